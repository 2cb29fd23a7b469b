#!/usr/bin/env python3
"""Pastes lines that help and manual show into a world where they mean something.

    tests/example_lines.py BUILD LINE…      # prints a JSON list of what is wrong

The world is that of the documents (documents/world.py), with configurations where they belong, a network,
and a machine 192.168.1.20 in it that answers once a magic packet has come. Without namespaces: exit status
77, but 1 where CI=true.
"""
import contextlib
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/documents"))
import world as worlds  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 30  # seconds, for anything
MAC = bytes.fromhex("3c7c3f123456")
ATTIC = "192.168.1.20"
HOME = "/root"

FILES = {
    "config.yaml": """
models:
  demo:
    cmd: llama-server --port ${PORT}
peers:
  attic:
    proxy: http://192.168.1.20:8080
    models: [huge]
    wake: {mac: 3c:7c:3f:12:34:56}
""",
    "suspendd.yaml": """
dry_run: true
state_dir: /var/lib/rouse/suspendd
relay: {token: let-me-in}
""",
}

# Lines that go on until they are told to end, and the address that then answers. Each is started and
# ended; that must be its exit status 0.
ENDLESS = {
    "rouse serve config.yaml": ("127.0.0.1", 8080),
    "rouse serve -c config.yaml --listen :8080": ("192.168.1.10", 8080),
    "rouse -config config.yaml -listen :8080 -watch-config": ("192.168.1.10", 8080),
    "rouse serve config.yaml --tls-cert-file cert.pem --tls-key-file key.pem": ("127.0.0.1", 8443),
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


def faults_of(build, lines):
    """What is wrong with @lines, a text for each fault; None: no world can be made here."""
    done = subprocess.run([sys.executable, __file__, build, *lines], capture_output=True, text=True,
                          check=False, timeout=PATIENCE * (len(lines) + 2))
    if done.returncode == 77:
        return None
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


class Examples:
    """The world, and the lines in it."""

    def __init__(self, build):
        self.world = worlds.World(TOP, build)
        for command in ("link add lan0 type veth peer name lan1", "addr add 192.168.1.10/24 brd + dev lan0",
                        f"addr add {ATTIC}/24 brd + dev lan0", "link set lan0 up", "link set lan1 up"):
            subprocess.run(["ip", *command.split()], check=True)
        # What somebody has who speaks https.
        self.world.run("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 "
                       "-out cert.pem -keyout key.pem", HOME)
        for name, text in FILES.items():
            self.world.write(f"{HOME}/{name}", text)
            self.world.write(f"/etc/rouse/{name}", text)

    def answers(self, where):
        is_path = isinstance(where, str)
        with socket.socket(socket.AF_UNIX if is_path else socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.world.path(where)) if is_path else where) == 0

    def start(self, line, output):
        # pylint: disable-next=protected-access
        return subprocess.Popen(self.world._command(f"exec {line}", HOME), stdin=subprocess.DEVNULL,
                                stdout=output, stderr=subprocess.STDOUT)

    def endless(self, line, is_there, sign, allowed):
        with tempfile.TemporaryFile() as output:
            child = self.start(line, output)
            came = wait_until(lambda: is_there(output) or child.poll() is not None)
            ended = child.poll()
            status = ended if ended is not None else end(child, sign)
            output.seek(0)
            said = output.read().decode(errors="replace")
            if ended is None and came and status in allowed:
                return []
            return [f"{line}: {'ended by itself, ' if ended is not None else ''}"
                    f"exit status {status}\n{said}"]

    def faults_of(self, line):
        if line in ENDLESS:
            return self.endless(line, lambda _: self.answers(ENDLESS[line]), signal.SIGTERM, (0,))
        if line in WATCHING:
            return self.endless(line, lambda output: os.fstat(output.fileno()).st_size > 0,
                                signal.SIGINT, (0, -signal.SIGINT))
        _, allowed = OTHERWISE.get(line, ("", (0,)))
        attic = Attic() if line.startswith("rouse wake ") else None
        status, said = self.world.run(line, HOME)
        woken = attic.end() if attic else True
        if status in allowed and woken:
            return []
        return [f"{line}: exit status {status}{'' if woken else ', and woke nobody'}\n{said}"]

    @contextlib.contextmanager
    def running(self, line, where):
        with tempfile.TemporaryFile() as output:
            child = self.start(line, output)
            if not wait_until(lambda: self.answers(where) or child.poll() is not None) or child.poll() is not None:
                output.seek(0)
                raise RuntimeError(f"{line} does not come up: {output.read().decode(errors='replace')}")
            try:
                yield
            finally:
                end(child, signal.SIGTERM)


def wait_until(is_so):
    limit = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def end(child, sign):
    child.send_signal(sign)
    try:
        return child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return "none: it goes on after its signal"


def main():
    build, lines = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    worlds.enter()
    examples = Examples(build)
    faults = []
    for line in lines:
        if line in ENDLESS:
            faults += examples.faults_of(line)
    with examples.running("rouse serve", ("127.0.0.1", 8080)), \
            examples.running("rouse-suspendd run", "/run/rouse/suspendd.sock"):
        for line in lines:
            if line not in ENDLESS:
                faults += examples.faults_of(line)
    print(json.dumps(faults))
    return 0


if __name__ == "__main__":
    sys.exit(main())
