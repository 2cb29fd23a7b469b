"""Starts the built rouse with a configuration, and engines that a test can ask about."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request


def until(what, condition, limit=30):
    """The first value of condition() that is true."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for: {what}")
        time.sleep(0.02)


def free_port():
    """Below those that the kernel gives to whoever asks for any: nobody takes it by chance before it is used."""
    for tried in range(700):
        port = 31000 + (os.getpid() + free_port.last + tried) % 700
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            free_port.last += tried + 1
            return port
    raise AssertionError("there is no free port")


free_port.last = 0


def get_json(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


class Rouse:
    """A rouse with fake engines, {id: options of its command line}, in folders of its own. Further lines of the
    configuration: settings before its models, more behind the last."""

    def __init__(self, models, settings="", more=""):
        self.folder = tempfile.mkdtemp(prefix="rouse-clients-")
        self.ports = {}
        lines = [settings, "models:"]
        for name, options in models.items():
            port = self.ports[name] = free_port()
            lines += [f"  {name}:", f"    proxy: http://127.0.0.1:{port}",
                      f"    cmd: {os.environ['FAKE_ENGINE_BIN']} --name {name} --port {port} "
                      f"--record {self.folder}/{name}.record {options}"]
        config = pathlib.Path(self.folder, "config.yaml")
        config.write_text("\n".join([*lines, more]) + "\n", encoding="utf-8")
        self.log = pathlib.Path(self.folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.environ["ROUSE_BIN"], "serve", "--config", config, "--listen", "127.0.0.1:0", "--state-dir",
                 self.folder], stderr=log,
                env={**os.environ, "STATE_DIRECTORY": self.folder, "RUNTIME_DIRECTORY": self.folder})
        self.url = until("rouse to listen", self._address)

    def _address(self):
        said = self.log.read_text(encoding="utf-8")
        if self.process.poll() is not None:
            raise AssertionError(f"rouse ended:\n{said}")
        found = re.search(r"listening on (http://\S+)", said)
        return found and found.group(1)

    def requests(self, model):
        """How many the engine of that model got."""
        record = pathlib.Path(self.folder, f"{model}.record")
        return len(record.read_text(encoding="utf-8").splitlines()) if record.exists() else 0

    def aborted(self, model):
        """How many of its answers the engine broke off, as nobody listened."""
        return get_json(f"http://127.0.0.1:{self.ports[model]}/fake/stats")["aborted"]

    def unload(self, model):
        asked = urllib.request.Request(f"{self.url}/api/models/unload/{model}", method="POST", data=b"")
        urllib.request.urlopen(asked, timeout=30).close()

    def running(self):
        return sum(model["running"] for model in get_json(f"{self.url}/api/queue")["models"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if status != 0:
            raise AssertionError(f"rouse ended with {status}:\n{self.log.read_text(encoding='utf-8')}")
        shutil.rmtree(self.folder)
