#!/usr/bin/env python3
"""Measures rouse beside nginx, HAProxy and no proxy at all, pair by pair in one run.

    cmake --preset release -DROUSE_BENCH=ON && cmake --build --preset release
    bench/run.py [--quick] [--build DIR] [--only swaps] [--llama-swap PROGRAM] [--against bench/baseline.json]

rouse is measured as it is without any configuration of its schedule, and then bare (linger and
minResidency 0). Everything listens on 127.0.0.1 and ends with the script. nginx and HAProxy (Debian
packages nginx-light, haproxy), llama-swap and strace are left out with a word when they are missing.
Wall times on a busy machine are noise: trust the CPU figures and the ratios, and look at several
rounds. --against says what became worse than in an earlier run (--write FILE), by ratios only, since
those hold on another machine, too.
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
import threading
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


def post(port, model, limit=120, **more):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}], **more}).encode()
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
  option http-no-delay
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
            aims.append(self.ratio("CPU per request / nginx, 64 connections", ratio, 1.3))
            ratio = idle["rouse"]["cpu_us"] / idle["nginx"]["cpu_us"]
            aims.append(self.ratio("CPU per request / nginx, one connection", ratio, 1.5))
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

    # --- swaps

    def swapper(self, who, engine, engines=("a", "b"), keys=""):
        """(child, port) of one that swaps between engines with the command line that engine makes of each name."""
        entries = "".join(f"  {name}:\n    cmd: {engine(name)}\n{keys}" for name in engines)
        if who == "llama-swap":
            port = free_port()
            file = self.dir / f"llama-swap-{port}.yaml"
            file.write_text(f"startPort: 17400\nhealthCheckTimeout: 60\nmodels:\n" + entries)
            child = start([self.llama_swap, "--config", file, "--listen", f"127.0.0.1:{port}"])
            wait_for(f"http://127.0.0.1:{port}/health")
            return child, port
        bare = "schedule: {minResidency: 0s, linger: 0s}\n" if who == "rouse, bare" else ""
        child, port, _ = self.rouse(f"startPort: 17200\n{bare}models:\n" + entries)
        return child, port

    def swappers(self):
        return ["rouse", "rouse, bare"] + (["llama-swap"] if self.llama_swap else [])

    def swaps(self):
        """One client alternates between two models: what a swap costs beyond the engine's load."""
        aims = []
        print(f"\nswap overhead, ms: one client that alternates between two models, the load subtracted")
        for load in (200, 2000) if self.quick else (200, 2000, 10000):
            middle = {}
            for who in self.swappers():
                child, port = self.swapper(who, lambda name: self.engine_cmd(f"--load-ms {load}"))
                overhead = []
                for i in range({200: 21, 2000: 9}.get(load, 5) // (3 if self.quick else 1)):
                    began = time.monotonic()
                    post(port, "ab"[i % 2])
                    if i > 0:
                        overhead.append((time.monotonic() - began) * 1000 - load)
                stop(child)
                middle[who] = statistics.median(overhead)
            print(f"  load {load / 1000:g} s: " + ", ".join(f"{who} {ms:.0f}" for who, ms in middle.items()))
            most = 25 + load / 100
            aims.append((f"swap overhead, default, load {load / 1000:g} s", f"{middle['rouse']:.0f} ms",
                         f"<= {most:.0f} ms", middle["rouse"] <= most))
            if "llama-swap" in middle:
                aims.append(self.ratio(f"swap overhead / llama-swap, load {load / 1000:g} s",
                                       middle["rouse"] / max(middle["llama-swap"], 1), 1))
        return aims

    def two_agents(self):
        """Each has its model, asks, thinks and asks again: how long both take, and how often an engine is loaded."""
        aims = []
        print("\nmakespan, s, and loads: engines that load in 2 s and answer in 0.4 s")
        asks = 5 if self.quick else 15
        scenes = {"one client, embed and chat in turn": [("ab", 0)], "the same with 1 s of thought": [("ab", 1)],
                  "two agents, 0.3 s of thought": [("a", 0.3), ("b", 0.3)],
                  "two agents, 1.5 s": [("a", 1.5), ("b", 1.5)], "two agents, 4 s": [("a", 4), ("b", 4)]}
        for scene, agents in scenes.items():
            took = {}
            for who in self.swappers():
                mark = self.dir / f"loads-{free_port()}"
                mark.write_text("")
                engine = f"{self.build}/mock_engine --port ${{PORT}} --load-ms 2000 --chunks 8 --rate 20"
                child, port = self.swapper(who, lambda name: f"sh -c 'echo >> {mark}; exec {engine}'")

                def agent(models, thought):
                    for i in range(asks):
                        post(port, models[i % len(models)], stream=True)
                        if i + 1 < asks:
                            time.sleep(thought)

                began = time.monotonic()
                threads = [threading.Thread(target=agent, args=each) for each in agents]
                for each in threads:
                    each.start()
                for each in threads:
                    each.join()
                took[who] = (time.monotonic() - began, mark.read_text().count("\n"))
                stop(child)
            print(f"  {scene:36}" + ", ".join(f"{who} {s:.1f} s, {n}" for who, (s, n) in took.items()))
            if "llama-swap" in took:
                aims.append(self.ratio(f"makespan / llama-swap: {scene}",
                                       took["rouse"][0] / took["llama-swap"][0], 1.02))
        return aims

    def cold_file(self):
        """A model whose file is on the disk only waits a second for its room: with its file read meanwhile, and without."""
        size = 128 if self.quick else 512
        file = self.dir / "weights.gguf"
        with open(file, "wb") as out:
            for _ in range(size):
                out.write(os.urandom(1 << 20))
            out.flush()
            os.fsync(out.fileno())
        print(f"\na file of {size} MB that the next engine reads while it loads, ms after the room is free")
        engine = f"{self.build}/mock_engine --port ${{PORT}} --chunks 20 --rate 20"
        took = {}
        for name, keys in (("not read ahead", "    prefetch: []\n"), ("read ahead", f"    prefetch: [{file}]\n")):
            child, port = self.swapper("rouse", lambda model: engine if model == "a" else
                                       f"sh -c 'cat {file} >/dev/null; exec {engine}'", keys=keys)
            times = []
            for _ in range(2 if self.quick else 5):
                post(port, "a")
                with open(file, "rb") as cold:
                    os.posix_fadvise(cold.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                busy = threading.Thread(target=post, args=(port, "a"), kwargs={"stream": True})
                busy.start()
                time.sleep(0.05)
                waiting = threading.Thread(target=post, args=(port, "b"))
                waiting.start()
                busy.join()
                free = time.monotonic()
                waiting.join()
                times.append((time.monotonic() - free) * 1000)
            stop(child)
            took[name] = statistics.median(times)
        print("  " + ", ".join(f"{name} {ms:.0f}" for name, ms in took.items()))
        return [self.ratio("load of a cold file, read ahead / not", took["read ahead"] / took["not read ahead"], 1)]

    # --- system calls

    def system_calls(self):
        """For each request, of all threads, as strace counts them."""
        strace = shutil.which("strace")
        if not strace:
            print("strace is not installed: no system calls are counted")
            return []
        counts = {}
        for name in ("nginx", "haproxy", "rouse"):
            if name not in self.targets:
                continue
            port, pids = self.targets[name]
            report = self.dir / f"strace-{name}"
            argv = [strace, "-f", "-c", "-o", report]
            for pid in pids:
                argv += ["-p", pid]
            tracer = start(argv)
            time.sleep(1)
            requests = 2000
            self.client(port, [], mode="requests", connections=64, requests=requests)
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
            children.remove(tracer)
            total = [line.split() for line in report.read_text().splitlines() if line.endswith("total")]
            counts[name] = int(total[-1][2 if len(total[-1]) < 6 else 3]) / requests if total else 0
        print("\nsystem calls for a request, 64 connections: " + ", ".join(f"{n} {c:.1f}" for n, c in counts.items()))
        if not counts.get("nginx") or "rouse" not in counts:
            return []
        return [self.ratio("system calls / nginx", counts["rouse"] / counts["nginx"], 1)]

    @staticmethod
    def ratio(what, value, most):
        return (what, f"{value:.2f}", f"<= {most:g}", value <= most)


def tell_worse(aims, file):
    """What a run has that is a tenth above the ratio of an earlier one."""
    before = json.loads(pathlib.Path(file).read_text())
    worse = [(what, before[what], float(measured)) for what, measured, _, _ in aims
             if what in before and float(measured) > 1.1 * before[what] + 0.02]
    for what, was, now in worse:
        print(f"worse: {what}: {was:.2f} -> {now:.2f}")
    print(f"{len(worse)} of {len(before)} ratios became worse than in {file}")
    return bool(worse)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute, less exact")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build" / "release")
    parser.add_argument("--llama-swap", type=pathlib.Path, metavar="PROGRAM", help="measured beside rouse")
    parser.add_argument("--only", choices=["traffic", "memory", "swaps"], help="one part of it")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="write the ratios of this run")
    parser.add_argument("--against", type=pathlib.Path, metavar="FILE", help="exit with 1 if a ratio became worse")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="rouse-bench-") as dir:
        bench = Bench(options.build.resolve(), pathlib.Path(dir), options.quick)
        bench.llama_swap = options.llama_swap and options.llama_swap.resolve()
        aims = []
        try:
            if options.only in (None, "traffic"):
                bench.start_targets()
                aims += bench.traffic() + bench.system_calls()
            if options.only in (None, "memory"):
                aims += bench.memory_and_start()
            if options.only in (None, "swaps"):
                aims += bench.swaps() + bench.two_agents() + bench.cold_file()
        finally:
            for child in list(children):
                stop(child)
    print(f"\n{'what':48} {'measured':>24}   aim")
    for what, measured, aim, reached in aims:
        print(f"{what:48} {measured:>24}   {aim:20} {'' if reached else 'MISSED'}")
    if options.write:
        ratios = {what: float(measured) for what, measured, _, _ in aims if " / " in what}
        options.write.write_text(json.dumps(ratios, indent=2) + "\n")
    if options.against and tell_worse(aims, options.against):
        sys.exit(1)


if __name__ == "__main__":
    main()
