#!/usr/bin/env python3
"""A box that sleeps and is woken by a request, on a real kernel: tests/qemu/sleep_test.py BUILD

The box is a machine in QEMU with rouse, an engine, rouse-suspendd, a message bus and a stand-in for
logind that really writes "mem" to /sys/power/state. Outside, in a network namespace with the other
end of its cable, is a second rouse, the front. Three times in a row: the box gets idle, drains,
sleeps; a request comes to the front; a magic packet wakes the box; the request is answered, once.
Prints how long each step takes. Exit status: 0, 1 when something is not as it should be, 77 when it
had to be left out.
"""
import json
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request

from initramfs import Initramfs
from machine import (DATA_MAC, INSIDE, TOP, WAKE_BROADCAST, WAKE_MAC, WAKE_OUTSIDE, WAKE_TAP, Failed, Machine,
                     Process, drivers, enter_namespace, wait_until)

ROUNDS = 3
BOX = f"http://{INSIDE}:8080"
CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
BOX_CONFIG = """
models:
  m:
    cmd: /usr/bin/fake_engine --port ${PORT}
"""
SUSPENDD_CONFIG = """
idle: {time: 3s, poll: 500ms}
grace: {min_uptime: 1s, resume: 1s}
linger: {other: 20s}  # a request needs some seconds until the card has its link again
checks: [{kind: proxy}, {kind: sessions}, {kind: inhibitors}]
gpu: {probe: false}
wol: {interfaces: [wake]}
"""
FRONT_CONFIG = f"""
models: {{}}
peers:
  box:
    proxy: {BOX}
    models: [m]
    wake:
      interface: {WAKE_TAP}
      source: {WAKE_OUTSIDE}
      broadcast: {WAKE_BROADCAST}
"""
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""
SCENARIO = """
wait_for() { until [ -e "$1" ]; do sleep 0.05; done; }
dbus-daemon --config-file=/etc/bus.conf --nofork --nopidfile --nosyslog &
wait_for /run/dbus/system_bus_socket
fake_logind unix:path=/run/dbus/system_bus_socket /run/fake_logind.sock "set sleep real" &
wait_for /run/fake_logind.sock
rouse serve --listen INSIDE:8080 --state-dir /var/lib/rouse &
wait_for /run/rouse/power.sock
rouse-suspendd run &
"""


def make_image(path, build):
    image = Initramfs(path)
    for folder in ("proc", "sys", "dev", "tmp", "run", "var/lib"):
        image.folder(folder)
    image.device("dev/console", stat.S_IFCHR, 5, 1)
    image.file("bin/busybox", pathlib.Path(shutil.which("busybox")).read_bytes(), 0o755)
    for number, driver in enumerate(drivers()):
        image.file(f"lib/modules/{number}.ko", driver.read_bytes())
    for program in ("rouse", "rouse-suspendd", "fake_engine", "fake_logind"):
        image.program(build / program, f"usr/bin/{program}")
    image.program(shutil.which("dbus-daemon"), "usr/bin/dbus-daemon")
    init = (TOP / "tests/qemu/init.sh").read_text(encoding="utf-8")
    image.file("init", init.replace("INSIDE", INSIDE).replace("DATA_MAC", DATA_MAC).replace("WAKE_MAC", WAKE_MAC), 0o755)
    image.file("scenario.sh", SCENARIO.replace("INSIDE", INSIDE))
    image.file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
    image.file("etc/bus.conf", BUS_CONFIG)
    image.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    image.file("etc/rouse/config.yaml", BOX_CONFIG)
    image.file("etc/rouse/suspendd.yaml", SUSPENDD_CONFIG)
    image.write()


def get(url, body=None, limit=2):
    """The answer's body; None when there is none (yet)."""
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=limit) as answer:
            return answer.read()
    except OSError:
        return None


def start_front(build, folder):
    """The always-on rouse; returns where it listens."""
    config = folder / "front.yaml"
    config.write_text(FRONT_CONFIG, encoding="utf-8")
    front = Process("the front", [build / "rouse", "serve", "--config", config, "--listen", "127.0.0.1:0",
                                  "--state-dir", folder], folder / "front.log")

    def address():
        front.check_alive()
        return re.search(r"listening on (http://\S+)", front.text())

    return front, wait_until("the front listens", address, 30).group(1)


def chats_answered(machine):
    return len(re.findall(r"POST /v1/chat/completions model=m status=200", machine.console()))


def sleep_and_wake(machine, front, number):
    """One round; prints its times."""
    begun = time.monotonic()
    slept = machine.wait_for_event("SUSPEND", number, 60)
    answered = chats_answered(machine)
    asked = time.monotonic()
    answer = get(f"{front}/v1/chat/completions", CHAT, 120)
    done = time.monotonic()
    if not answer or b"word-1" not in answer:
        raise Failed(f"the request in round {number} was answered with {answer}")
    woken = machine.wait_for_event("WAKEUP", number, 1)
    packets = [packet for packet in machine.card.packets if packet[0] >= asked]
    first = packets[0][0]
    print(f"round {number}: idle to asleep {slept - begun:.2f} s; request to packet {first - asked:.3f} s; "
          f"packet to wake {woken - first:.3f} s; wake to answer {done - woken:.2f} s; "
          f"{len(packets)} packets", flush=True)
    wait_until("the box has logged the request", lambda: chats_answered(machine) > answered, 30)
    if chats_answered(machine) != answered + 1:
        raise Failed(f"the request in round {number} was executed more than once")


def run(machine, build, folder):
    begun = time.monotonic()
    machine.wait_for("guest: started", 150)
    print(f"kernel to init {time.monotonic() - begun:.1f} s", flush=True)
    front, url = start_front(build, folder)
    try:
        wait_until("the box answers", lambda: get(f"{BOX}/livez"), 60)
        print(f"the box answers after {time.monotonic() - begun:.1f} s", flush=True)
        if not get(f"{url}/v1/chat/completions", CHAT, 60):
            raise Failed("the box does not answer by way of the front while it is awake")
        for number in range(1, ROUNDS + 1):
            sleep_and_wake(machine, url, number)
        machine.wait_for("suspended: slept for", 30, ROUNDS)  # so the daemon knows, too
    finally:
        front.stop()
        print(f"--- the front\n{front.text()[-4000:]}")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    enter_namespace()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_image(folder / "initrd", build)
        machine = Machine(folder, folder / "initrd")
        try:
            run(machine, build, folder)
            return 0
        except Failed as failed:
            print(f"FAILED: {failed}")
            return 1
        finally:
            machine.stop()
            print(f"--- the box\n{machine.console()[-8000:]}")


if __name__ == "__main__":
    sys.exit(main())
