#!/usr/bin/env python3
"""Pastes lines that help and manual show into a world where they mean something.

    tests/example_lines.py BUILD LINE…      # exit status 1 when one does not do what it should

The world has a network of its own (so that 127.0.0.1:8080 is free), an /etc and a /run of its own, the
two programs on the PATH, configurations where they belong, and a machine 192.168.1.20 that answers
once a magic packet has come. Nothing of the machine is touched.
"""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30  # seconds, for anything
MAC = bytes.fromhex("3c7c3f123456")
ATTIC = "192.168.1.20"

CONFIG = """
models:
  demo:
    cmd: {engine} --port ${{PORT}}
peers:
  attic:
    proxy: http://192.168.1.20:8080
    models: [huge]
    wake: {{mac: 3c:7c:3f:12:34:56}}
"""
SUSPENDD = """
dry_run: true
state_dir: {folder}/suspendd
relay: {{token: let-me-in}}
"""

# Lines that go on until they are told to end, and the address that then answers. Each is started and
# ended; that must be its exit status 0.
ENDLESS = {
    "rouse serve config.yaml": ("127.0.0.1", 8080),
    "rouse serve -c config.yaml --listen :8080": ("192.168.1.10", 8080),
    "rouse -config config.yaml -listen :8080 -watch-config": ("192.168.1.10", 8080),
    "rouse-suspendd run --dry-run": "/run/rouse/suspendd.sock",
    "rouse-suspendd run suspendd.yaml": "/run/rouse/suspendd.sock",
    "rouse-suspendd relay suspendd.yaml": ("127.0.0.1", 9009),
}
# Those that show something again and again, until Ctrl-C.
WATCHING = ("rouse status --watch",)
# Lines that cannot do here what they are for, why, and how they end.
OTHERWISE = {
    "rouse-suspendd check": ("the machine of the test decides what is found", (0, 1, 2)),
    "rouse-suspendd check suspendd.yaml": ("the machine of the test decides what is found", (0, 1, 2)),
    "rouse-suspendd suspend": ("would put the machine to sleep; without D-Bus it is refused", (1,)),
    "rouse-suspendd wake-test": ("would put the machine to sleep; nobody agrees", (1,)),
}


def can_run():
    return subprocess.run(["unshare", "-rnm", "true"], capture_output=True, check=False).returncode == 0


def faults_of(build, lines):
    """What is wrong with @lines, a text for each fault."""
    done = subprocess.run(["unshare", "-rnm", sys.executable, __file__, "--inside", build, *lines],
                          capture_output=True, text=True, check=False,
                          timeout=PATIENCE * (len(lines) + 2))
    if done.returncode != 0:
        return [f"the world of the examples fell apart: {done.stdout}{done.stderr}"]
    return json.loads(done.stdout)


class Attic:
    """A machine that sleeps until a magic packet comes."""

    def __init__(self):
        self.packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.packets.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.packets.bind(("", 9))
        self.server = None
        self.thread = threading.Thread(target=self.live)
        self.thread.start()

    def live(self):
        magic = b"\xff" * 6 + MAC * 16
        while True:
            packet = self.packets.recv(2048)
            if packet == b"end":
                return
            if magic in packet and self.server is None:
                self.server = http.server.ThreadingHTTPServer((ATTIC, 8080), self.Answer)
                threading.Thread(target=self.server.serve_forever).start()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 (the name is the library's)
            body = b'{"status":"ok"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    def end(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"end", ("127.0.0.1", 9))
        self.thread.join()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
        self.packets.close()
        return self.server is not None


def answers(where):
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(where) == 0


def wait_until(is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def start(line, folder, output):
    return subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=output, stderr=subprocess.STDOUT)


def end(child, sign):
    child.send_signal(sign)
    try:
        return child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return "none: it goes on after its signal"


def fault_of_endless(line, folder, is_there, sign, allowed):
    with tempfile.TemporaryFile() as output:
        child = start(line, folder, output)
        came = wait_until(lambda: is_there(output) or child.poll() is not None)
        ended = child.poll()
        status = ended if ended is not None else end(child, sign)
        output.seek(0)
        said = output.read().decode(errors="replace")
        if ended is None and came and status in allowed:
            return []
        return [f"{line}: {'ended by itself, ' if ended is not None else ''}"
                f"exit status {status}\n{said}"]


def fault_of(line, folder):
    if line in ENDLESS:
        where = ENDLESS[line]
        return fault_of_endless(line, folder, lambda _: answers(where), signal.SIGTERM, (0,))
    if line in WATCHING:
        return fault_of_endless(line, folder, lambda output: os.fstat(output.fileno()).st_size > 0,
                                signal.SIGINT, (0, -signal.SIGINT))
    _, allowed = OTHERWISE.get(line, ("", (0,)))
    attic = Attic() if "wake " in line else None
    try:
        done = subprocess.run(["bash", "-c", line], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
    except subprocess.TimeoutExpired as slow:
        return [f"{line}: goes on after {PATIENCE * 3} s\n{slow.stdout}{slow.stderr}"]
    finally:
        woken = attic.end() if attic else True
    if done.returncode in allowed and woken:
        return []
    return [f"{line}: exit status {done.returncode}{'' if woken else ', and woke nobody'}\n"
            f"{done.stdout}{done.stderr}"]


def make_network():
    for command in ("link set lo up", "link add lan0 type veth peer name lan1",
                    "addr add 192.168.1.10/24 brd + dev lan0", f"addr add {ATTIC}/24 brd + dev lan0",
                    "link set lan0 up", "link set lan1 up"):
        subprocess.run(["ip", *command.split()], check=True)


def make_files(build, folder):
    """An /etc and a /run of our own."""
    etc = folder / "etc"
    etc.mkdir()
    for name in ("passwd", "group", "nsswitch.conf", "hosts", "services", "protocols", "ld.so.cache",
                 "localtime", "alternatives", "machine-id"):
        source = pathlib.Path("/etc") / name
        if source.is_dir():
            shutil.copytree(source, etc / name, symlinks=True)
        elif source.exists():
            shutil.copy(source, etc / name)
    (etc / "rouse").mkdir()
    config = CONFIG.format(engine=build / "fake_engine")
    suspendd = SUSPENDD.format(folder=folder)
    for name, text in (("config.yaml", config), ("suspendd.yaml", suspendd)):
        (folder / name).write_text(text, encoding="utf-8")
        (etc / "rouse" / name).write_text(text, encoding="utf-8")
    subprocess.run(["mount", "--bind", etc, "/etc"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "run", "/run"], check=True)
    os.mkdir("/run/rouse")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for program in ("rouse", "rouse-suspendd"):
        (bin_folder / program).symlink_to(build / program)
    make = bin_folder / "make"
    make.write_text("#!/bin/sh\necho made \"$@\"\n", encoding="utf-8")
    make.chmod(0o755)
    for name in [name for name in os.environ if name.startswith(("XDG_", "ROUSE", "STATE_", "RUNTIME_"))]:
        del os.environ[name]
    os.environ.update(PATH=f"{bin_folder}:{os.environ['PATH']}", HOME=str(folder))


@contextlib.contextmanager
def running(line, folder, where):
    with tempfile.TemporaryFile() as output:
        child = start(line, folder, output)
        if not wait_until(lambda: answers(where) or child.poll() is not None) or child.poll() is not None:
            output.seek(0)
            raise RuntimeError(f"{line} does not come up: {output.read().decode(errors='replace')}")
        try:
            yield
        finally:
            end(child, signal.SIGTERM)


def inside(build, lines):
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_network()
        make_files(build, folder)
        for line in lines:
            if line in ENDLESS:
                faults += fault_of(line, folder)
        with running("rouse serve", folder, ("127.0.0.1", 8080)), \
                running("rouse-suspendd run", folder, "/run/rouse/suspendd.sock"):
            for line in lines:
                if line not in ENDLESS:
                    faults += fault_of(line, folder)
        for mounted in ("/run", "/etc"):
            subprocess.run(["umount", mounted], check=True)
    print(json.dumps(faults))
    return 0


def main():
    if sys.argv[1] == "--inside":
        return inside(pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:])
    faults = faults_of(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:])
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
