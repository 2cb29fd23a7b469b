#!/usr/bin/env python3
"""What the page of a stranger may do whose name has come to lead to this machine (DNS rebinding), seen in a real
browser: Chromium, which a rule of its own lets find the name here. The page is served by the stranger, who then
leaves the port to rouse.

usage: tests/browser_test.py BUILD_FOLDER     77 where there is no Chromium
"""
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import left_out

BUILD = pathlib.Path(sys.argv[1]).resolve()
KEY = "sesame-open-the-door"
REQUESTS = [
    ["GET", "/v1/models", None], ["GET", "/running", None], ["GET", "/logs", None],
    ["GET", "/api/metrics/activity", None], ["GET", "/unload", None], ["POST", "/api/models/load/a", ""],
    ["POST", "/api/models/unload", ""], ["POST", "/api/config/reload", ""], ["GET", "/upstream/a/health", None],
    ["POST", "/v1/chat/completions", '{"model":"a","messages":[{"role":"user","content":"x"}]}'],
]
PAGE = """<!doctype html><script>
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const ask = async (method, path, body, headers) => {
  const signal = AbortSignal.timeout(5000);
  try { return (await fetch(path, {method, body, headers, signal})).status; } catch (error) { return String(error); }
};
const socket = () => new Promise((done) => {
  const socket = new WebSocket("ws://" + location.host + "/upstream/a/ws");
  socket.onopen = () => done("open");
  socket.onerror = () => done("refused");
  later(5000).then(() => done("taken"));
});
(async () => {
  const plan = TELL;
  while (await fetch(plan.tell + "/ready").then((answer) => answer.status, () => 0) !== 200) await later(50);
  const seen = {health: await ask("GET", "/health"), plain: [], keyed: [], socket: ""};
  for (const [method, path, body] of plan.requests) seen.plain.push(await ask(method, path, body));
  for (const [method, path, body] of plan.requests.slice(0, 1)) {
    seen.keyed.push(await ask(method, path, body, {Authorization: "Bearer " + plan.key}));
  }
  seen.socket = await socket();
  await fetch(plan.tell + "/seen", {method: "POST", body: JSON.stringify(seen)});
})();
</script>"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Stranger:
    """Serves the page on one port until somebody has it, and hears of what it saw on another."""

    def __init__(self):
        self.ready = threading.Event()
        self.served = threading.Event()
        self.has_seen = threading.Event()
        self.seen = None
        outer = self

        class Tell(http.server.BaseHTTPRequestHandler):
            def answer(self, status):
                self.send_response(status)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                self.answer(200 if outer.ready.is_set() else 204)

            def do_POST(self):
                outer.seen = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(200)
                outer.has_seen.set()

            def log_message(self, *_):
                pass

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                tell = f"http://127.0.0.1:{outer.teller.server_port}"
                plan = json.dumps({"tell": tell, "requests": REQUESTS, "key": KEY})
                body = PAGE.replace("TELL", plan).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)
                if self.path == "/":
                    outer.served.set()

            def log_message(self, *_):
                pass

        self.teller = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tell)
        self.page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.port = self.page.server_port
        for server in (self.teller, self.page):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def leave(self):
        self.page.shutdown()
        self.page.server_close()

    def close(self):
        self.teller.shutdown()
        self.teller.server_close()


@contextlib.contextmanager
def program(command, **options):
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def own_view(port, key):
    """What runs, asked for by the address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/running", headers={"Authorization": f"Bearer {key}"} if key else {})
    return json.loads(connection.getresponse().read())["running"]


def visit(chromium, more):
    """What the page sees, and what runs then, where the configuration has @p more lines."""
    stranger = Stranger()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        engine_port = free_port()
        config = pathlib.Path(folder, "config.yaml")
        config.write_text(f"models:\n  a:\n    cmd: {BUILD}/fake_engine --name a --port {engine_port}\n"
                          f"    proxy: http://127.0.0.1:{engine_port}\n{more}\n")
        browser = [chromium, "--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}/profile",
                   "--host-resolver-rules=MAP evil.example 127.0.0.1", "--disable-background-networking",
                   # The stranger hears of it on another port, which a page may not ask for by itself everywhere.
                   "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
                   *(["--no-sandbox"] if os.geteuid() == 0 else []), f"http://evil.example:{stranger.port}/"]
        log = open(pathlib.Path(folder, "log"), "wb")
        with program(browser, stdout=log, stderr=log):
            if not stranger.served.wait(60):
                raise SystemExit("the browser has not asked for the page")
            time_out = time.monotonic() + 20
            stranger.leave()
            rouse = [BUILD / "rouse", "serve", "--config", config, "--listen", f"127.0.0.1:{stranger.port}",
                     "--state-dir", f"{folder}/state"]
            with program(rouse, stdout=log, stderr=log):
                while time.monotonic() < time_out:
                    with contextlib.suppress(OSError):
                        socket.create_connection(("127.0.0.1", stranger.port), 1).close()
                        break
                    time.sleep(0.05)
                stranger.ready.set()
                if not stranger.has_seen.wait(60):
                    raise SystemExit("the page has told nothing: " + pathlib.Path(folder, "log").read_text())
                running = own_view(stranger.port, KEY if "sha256" in more else "")
        log.close()
    stranger.close()
    return stranger.seen, running


def main():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("there is no Chromium")
        return left_out.status("chromium")
    faults = []

    def expect(what, got, wanted):
        print(f"{what}: {got}")
        if got != wanted:
            faults.append(f"{what}: {got}, not {wanted}")

    refused = [421] * len(REQUESTS)
    seen, running = visit(chromium, "")
    expect("without keys, a page of another name", seen["plain"], refused)
    expect("its WebSocket", seen["socket"], "refused")
    expect("its look at our health", seen["health"], 200)
    expect("what it has loaded", running, [])
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    seen, running = visit(chromium, f"keys: {{mine: {{sha256: {digest}}}}}")
    expect("with keys", seen["plain"], refused)
    expect("with keys, its WebSocket", seen["socket"], "refused")
    expect("with keys, one that knows a key", seen["keyed"], [200])
    expect("with keys, what it has loaded", running, [])
    seen, running = visit(chromium, "cors: {origins: [\"https://chat.example.org\"]}")
    expect("with cors", seen["plain"], refused)
    # The name alone is what keeps it out.
    seen, _ = visit(chromium, "hosts: [evil.example]")
    expect("a page whose name is listed", seen["plain"][0], 200)
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
