#!/usr/bin/env python3
"""Measures rouse beside nginx, HAProxy and no proxy at all, pair by pair in one run.

    cmake --preset release -DROUSE_BENCH=ON && cmake --build --preset release
    bench/run.py [--quick] [--build DIR]

Everything listens on 127.0.0.1 and ends with the script. nginx and HAProxy (Debian packages
nginx-light, haproxy) are left out with a word when they are missing. Wall times on a busy machine
are noise: trust the CPU figures, and look at several rounds.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent
children = []
own_folder = tempfile.TemporaryDirectory()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def own_environment():
    """Folders of this run: an installed rouse has its own."""
    folders = {}
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        folders[name] = os.path.join(own_folder.name, name)
        os.makedirs(folders[name], exist_ok=True)
    return {**os.environ, **folders}


def start(argv, **more):
    more.setdefault("env", own_environment())
    child = subprocess.Popen([str(each) for each in argv], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, **more)
    children.append(child)
    return child


def stop(child):
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(40)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    children.remove(child)


def wait_for(url, limit=20):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return time.monotonic()
        except OSError:
            pass
    sys.exit(f"bench: no answer from {url}")


def post(port, model, limit=60):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}]}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body,
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=limit) as answer:
        return answer.read()


def rss_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def descendants(pid):
    found = [pid]
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


class Bench:
    def __init__(self, build, dir, quick):
        self.build, self.dir, self.quick = build, dir, quick
        self.engine_port = free_port()
        self.targets = {}

    def client(self, port, pids, **options):
        argv = [self.build / "bench_client", "--port", port]
        for name, value in options.items():
            argv += [f"--{name}", value]
        for pid in pids:
            argv += ["--pid", pid]
        done = subprocess.run([str(each) for each in argv], capture_output=True, text=True, check=True)
        result = json.loads(done.stdout)
        if result["failed"]:
            print(f"  ! {result['failed']} failed on port {port}: {options}")
        return result

    def rouse(self, config, env=None):
        port = free_port()
        file = self.dir / f"rouse-{port}.yaml"
        file.write_text(config)
        began = time.monotonic()
        child = start([self.build / "rouse", "serve", "--config", file, "--listen",
                       f"127.0.0.1:{port}", "--state-dir", self.dir / "state"])
        took = wait_for(f"http://127.0.0.1:{port}/livez") - began
        return child, port, took

    def engine_cmd(self, more=""):
        return f"{self.build}/mock_engine --port ${{PORT}} {more}"

    def start_targets(self):
        chunks = 40 if self.quick else 100
        engine = start([self.build / "mock_engine", "--port", self.engine_port, "--chunks", chunks,
                        "--rate", 20])
        wait_for(f"http://127.0.0.1:{self.engine_port}/health")
        self.targets["direct"] = (self.engine_port, [])
        self.start_nginx()
        self.start_haproxy()
        # A model that is there already: rouse's own engine would not be the one that others use.
        # rouse starts an engine of its own, of the same kind as the one that the others share.
        config = (f"models:\n  m:\n    cmd: {self.build}/mock_engine --port ${{PORT}} --chunks {chunks} --rate 20\n"
                  f"    concurrencyLimit: 20000\nstartPort: 17100\n")
        child, port, _ = self.rouse(config)
        self.targets["rouse"] = (port, [child.pid])
        post(port, "m")
        return engine

    def start_nginx(self):
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not program:
            return print("nginx is not installed: left out")
        port = free_port()
        conf = self.dir / "nginx.conf"
        conf.write_text(f"""
worker_processes 1; daemon off; pid {self.dir}/nginx.pid; error_log {self.dir}/nginx.log;
events {{ worker_connections 20000; }}
http {{ access_log off; client_max_body_size 64m; client_body_temp_path {self.dir}; proxy_temp_path {self.dir};
 fastcgi_temp_path {self.dir}; uwsgi_temp_path {self.dir}; scgi_temp_path {self.dir};
 upstream engine {{ server 127.0.0.1:{self.engine_port}; keepalive 1024; }}
 server {{ listen 127.0.0.1:{port} backlog=4096; keepalive_requests 10000000;
  location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection "";
   proxy_buffering off; proxy_request_buffering off; }} }} }}
""")
        child = start([program, "-c", conf])
        wait_for(f"http://127.0.0.1:{port}/health")
        self.targets["nginx"] = (port, descendants(child.pid))

    def start_haproxy(self):
        program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if not program:
            return print("haproxy is not installed: left out")
        port = free_port()
        conf = self.dir / "haproxy.cfg"
        conf.write_text(f"""
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  http-reuse always
  server engine 127.0.0.1:{self.engine_port}
""")
        child = start([program, "-db", "-f", conf])
        wait_for(f"http://127.0.0.1:{port}/health")
        self.targets["haproxy"] = (port, descendants(child.pid))

    def compare(self, title, rounds, unit, **options):
        """Each target in turn, several rounds; medians."""
        results = {name: [] for name in self.targets}
        for _ in range(rounds):
            for name, (port, pids) in self.targets.items():
                results[name].append(self.client(port, pids, **options))
        median = {name: {key: statistics.median(each[key] for each in list_) for key in ("p50", "p99", "cpu_us")}
                  for name, list_ in results.items()}
        direct = median["direct"]
        print(f"\n{title}")
        print(f"  {'':8} {'p50 µs':>9} {'p99 µs':>9} {'added p50':>10} {'added p99':>10} {'CPU µs/' + unit:>12}")
        for name, each in median.items():
            cpu = "" if name == "direct" else f"{each['cpu_us']:.1f}"
            print(f"  {name:8} {each['p50']:9.0f} {each['p99']:9.0f} {each['p50'] - direct['p50']:10.0f} "
                  f"{each['p99'] - direct['p99']:10.0f} {cpu:>12}")
        return median

    def traffic(self):
        quick = self.quick
        rounds = 3 if quick else 5
        aims = []
        idle = self.compare("one connection", rounds, "request", mode="requests", connections=1,
                            requests=2000 if quick else 10000)
        busy = self.compare("64 connections", rounds, "request", mode="requests", connections=64,
                            requests=10000 if quick else 50000)
        self.compare("64 connections, 400 KB body", rounds, "request", mode="requests", connections=64,
                     requests=300 if quick else 1000, body=400_000)
        self.compare("8 connections, 4 MB body", rounds, "request", mode="requests", connections=8,
                     requests=50 if quick else 200, body=4_000_000)
        streams = {}
        for count in (1, 100, 1000):
            streams[count] = self.compare(f"{count} streams, 20 chunks a second each", 1 if quick else 3,
                                          "chunk", mode="streams", connections=count)
        added = lambda of, key: of["rouse"][key] - of["direct"][key]
        if "nginx" in self.targets:
            ratio = busy["rouse"]["cpu_us"] / busy["nginx"]["cpu_us"]
            aims.append(("CPU per request / nginx, 64 connections", f"{ratio:.2f}", "<= 1.5", ratio <= 1.5))
            ratio = idle["rouse"]["cpu_us"] / idle["nginx"]["cpu_us"]
            aims.append(("CPU per request / nginx, one connection", f"{ratio:.2f}", "<= 1.5", ratio <= 1.5))
        aims.append(("added latency p50, one connection", f"{added(idle, 'p50'):.0f} µs", "<= 100 µs",
                     added(idle, "p50") <= 100))
        aims.append(("added latency p99, one connection", f"{added(idle, 'p99'):.0f} µs", "<= 500 µs",
                     added(idle, "p99") <= 500))
        for count, each in streams.items():
            aims.append((f"added delay of a chunk p50, {count} streams", f"{added(each, 'p50'):.0f} µs", "<= 50 µs",
                         added(each, "p50") <= 50))
            aims.append((f"CPU of a chunk, {count} streams", f"{each['rouse']['cpu_us']:.1f} µs", "<= 10 µs",
                         each["rouse"]["cpu_us"] <= 10))
        return aims

    def memory_and_start(self):
        aims = []
        base = f"startPort: 17100\n"
        took = []
        for _ in range(3 if self.quick else 10):
            child, port, seconds = self.rouse(base + f"models:\n  m:\n    cmd: {self.engine_cmd()}\n")
            took.append(seconds * 1000)
            idle = rss_kb(child.pid)
            stop(child)
        aims.append(("start to first answer", f"{statistics.median(took):.0f} ms", "<= 50 ms",
                     statistics.median(took) <= 50))
        aims.append(("idle RSS", f"{idle / 1024:.1f} MB", "<= 10 MB", idle <= 10 * 1024))
        held = 2000 if self.quick else 10000
        child, port, _ = self.rouse(base + "schedule: {queueMax: 20000}\nmodels:\n  m:\n"
                                    f"    cmd: {self.engine_cmd('--load-ms 600000')}\n")
        client = subprocess.Popen([str(self.build / "bench_client"), "--port", str(port), "--mode", "held",
                                   "--connections", str(held), "--seconds", "20"], stdout=subprocess.DEVNULL)
        children.append(client)
        end = time.monotonic() + 18
        waiting = 0
        while waiting < held and time.monotonic() < end:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/queue", timeout=20) as answer:
                waiting = len(json.loads(answer.read())["waiting"])
        full = rss_kb(child.pid)
        client.kill()
        client.wait()
        children.remove(client)
        per = (full - idle) / held
        aims.append((f"RSS with {waiting} held requests", f"{full / 1024:.0f} MB ({per:.1f} KB each)",
                     "<= 150 MB at 10000", full * 10000 / held <= 150 * 1024))
        stop(child)
        return aims

    def swaps(self):
        load = 200
        child, port, _ = self.rouse(
            f"startPort: 17200\nschedule: {{minResidency: 0s, linger: 0s}}\nmodels:\n"
            + "".join(f"  {name}:\n    cmd: {self.engine_cmd(f'--load-ms {load}')}\n" for name in "ab"))
        overhead = []
        for i in range(6 if self.quick else 20):
            began = time.monotonic()
            post(port, "ab"[i % 2])
            if i > 0:
                overhead.append((time.monotonic() - began) * 1000 - load)
        stop(child)
        middle = statistics.median(overhead)
        return [("swap overhead (the engine's load subtracted)", f"{middle:.0f} ms", "<= 25 ms", middle <= 25)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute, less exact")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build" / "release")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="rouse-bench-") as dir:
        bench = Bench(options.build.resolve(), pathlib.Path(dir), options.quick)
        try:
            bench.start_targets()
            aims = bench.traffic()
            aims += bench.memory_and_start()
            aims += bench.swaps()
        finally:
            for child in list(children):
                stop(child)
    print(f"\n{'what':48} {'measured':>24}   aim")
    for what, measured, aim, reached in aims:
        print(f"{what:48} {measured:>24}   {aim:20} {'' if reached else 'MISSED'}")


if __name__ == "__main__":
    main()
