#!/usr/bin/env python3
"""What a front adds to the wake of another machine, and what a request costs it that waits for one.

usage: wake.py ROUSE [--wakes 60] [--held 3000]

The box is a stub of this script, on 127.0.0.1. While it sleeps its port is closed; a magic packet,
sent to it alone, opens the port. Reported: the time from its first accept() of the front to the
arrival of the request that the front held (aim: 100 ms at p99), and the memory of the front for
each of many requests that wait for a box that does not wake (aim: 15 KB).
"""

import argparse
import json
import os
import pathlib
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time

MAC = "3c:7c:3f:12:34:56"
MAGIC = b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) * 16
CHAT = json.dumps({"model": "big", "messages": [{"role": "user", "content": "hello"}]}).encode()


def post(body):
    return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: front\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


def answer(body, kind=b"application/json"):
    return (b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
            + body)


class Box:
    """Speaks as much as a front needs: its power, the stream of its announcements, one answer."""

    def __init__(self):
        self.card = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.card.bind(("127.0.0.1", 0))
        self.magic_port = self.card.getsockname()[1]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.epoch = 1
        self.asleep = threading.Event()
        self.opened_at = self.accepted_at = self.arrived_at = None
        self.loop = selectors.DefaultSelector()
        self.loop.register(self.card, selectors.EVENT_READ, self.hear)
        self.listener = None
        self.streams = []
        self.want_sleep = False
        self.open()

    def power(self, state):
        return json.dumps({"state": state, "epoch": self.epoch, "boot_id": "stub"}).encode()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        self.loop.register(self.listener, selectors.EVENT_READ, self.accept)
        self.accepted_at = self.arrived_at = None
        self.asleep.clear()

    def close(self):
        """Announced, and its port is closed then."""
        self.epoch += 1
        for stream in self.streams:
            try:
                stream.sendall(b"data: " + self.power("suspending") + b"\n\n")
            except OSError:
                pass
        for key in list(self.loop.get_map().values()):
            if key.fileobj is not self.card:
                self.loop.unregister(key.fileobj)
                key.fileobj.close()
        self.streams = []
        self.asleep.set()

    def hear(self):
        packet = self.card.recv(2048)
        if MAGIC in packet and self.asleep.is_set():
            self.open()

    def accept(self):
        connection, _ = self.listener.accept()
        if self.accepted_at is None:
            self.accepted_at = time.monotonic()
        self.loop.register(connection, selectors.EVENT_READ, lambda: self.serve(connection))

    def serve(self, connection):
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.loop.unregister(connection)
            connection.close()
            if connection in self.streams:
                self.streams.remove(connection)
        elif data.startswith(b"GET /v1/power/events"):
            self.streams.append(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               b"Connection: close\r\n\r\ndata: " + self.power("awake") + b"\n\n")
        elif data.startswith(b"GET /v1/power"):
            connection.sendall(answer(self.power("awake")))
        elif data.startswith(b"POST /v1/chat"):
            self.arrived_at = time.monotonic()
            connection.sendall(answer(b'{"choices":[]}'))
        else:
            connection.sendall(answer(b"{}"))

    def run(self):
        while True:
            for key, _ in self.loop.select(0.01):
                if key.fileobj.fileno() >= 0:
                    key.data()
            if self.want_sleep:
                self.want_sleep = False
                self.close()


class Front:
    def __init__(self, rouse, folder, port, magic_port, hold):
        config = pathlib.Path(folder) / "config.yaml"
        config.write_text(
            "models: {}\nlogLevel: warn\nperformance: {disabled: true}\n"
            f"peers:\n  attic:\n    proxy: http://127.0.0.1:{port}\n    models: [big]\n"
            f"    hold: {{max: {hold}, bytes: 1GiB, wait: 10m}}\n"
            f"    wake: {{mac: \"{MAC}\", unicast: 127.0.0.1, port: {magic_port}, debounce: 0s, "
            "timeout: 10m}\n")
        environment = dict(os.environ, STATE_DIRECTORY=folder, RUNTIME_DIRECTORY=folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.program = subprocess.Popen(
            [rouse, "serve", "--config", str(config), "--listen", f"127.0.0.1:{self.port}"],
            env=environment, stderr=subprocess.DEVNULL)
        self.wait_until_up()

    def wait_until_up(self):
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if self.program.poll() is not None:
                    sys.exit("rouse did not start")
                time.sleep(0.02)
        sys.exit("rouse does not listen")

    def ask(self):
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(post(CHAT))
            client.settimeout(60)
            return client.recv(4096)

    def state(self):
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(b"GET /api/peers HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n")
            text = b""
            while piece := client.recv(65536):
                text += piece
        return json.loads(text.split(b"\r\n\r\n", 1)[1])["peers"][0]

    def resident(self):
        for line in open(f"/proc/{self.program.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        self.program.kill()
        self.program.wait()


def wait_for(condition, what):
    until = time.monotonic() + 60
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"{what}: not within a minute")
        time.sleep(0.002)


def overhead(rouse, wakes):
    box = Box()
    threading.Thread(target=box.run, daemon=True).start()
    took = []
    with tempfile.TemporaryDirectory() as folder:
        front = Front(rouse, folder, box.port, box.magic_port, 64)
        front.ask()
        for _ in range(wakes):
            wait_for(lambda: box.streams, "the front listens to the box")
            box.want_sleep = True
            wait_for(box.asleep.is_set, "the box sleeps")
            wait_for(lambda: front.state()["state"] == "asleep", "the front has heard of it")
            got = front.ask()
            if not got.startswith(b"HTTP/1.1 200"):
                sys.exit(f"not answered: {got!r}")
            took.append((box.arrived_at - box.accepted_at) * 1000)
        front.stop()
    took.sort()
    print(f"wake overhead over {wakes} wakes: p50 {took[len(took) // 2]:.1f} ms, "
          f"p99 {took[min(len(took) - 1, len(took) * 99 // 100)]:.1f} ms, worst {took[-1]:.1f} ms")


def memory(rouse, count):
    with socket.socket() as card, tempfile.TemporaryDirectory() as folder:
        card.bind(("127.0.0.1", 0))  # nothing listens there
        front = Front(rouse, folder, card.getsockname()[1], 9, count + 10)
        clients = []
        before = front.resident()
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", front.port))
            client.sendall(post(CHAT))
            clients.append(client)
        wait_for(lambda: front.state()["waiting"] >= count, f"{count} requests wait")
        each = (front.resident() - before) / count
        print(f"memory of a held request, of {count}: {each / 1000:.1f} KB")
        front.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rouse")
    parser.add_argument("--wakes", type=int, default=60)
    parser.add_argument("--held", type=int, default=3000)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    overhead(arguments.rouse, arguments.wakes)
    memory(arguments.rouse, arguments.held)


if __name__ == "__main__":
    main()
