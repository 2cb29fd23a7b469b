"""A machine in QEMU that sleeps (ACPI S3) and is woken by a magic packet on its network card.

No model of a network card in QEMU wakes by itself, so the card's part is played by MagicListener: it
looks at what goes out to the guest on its tap device, and presses the power button (QMP
system_wakeup) for a correct magic packet only. Everything lives in a network namespace that the test
makes for itself.

The machine has two cards, as many boxes do: a fast one for the data, which cannot wake it (e1000e),
and one that can be armed for magic packets (rtl8139), in a network of its own.
"""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

import left_out  # noqa: E402

OUTSIDE = "10.77.0.1"
INSIDE = "10.77.0.2"
DATA_TAP = "tap0"
DATA_MAC = "52:54:00:12:34:56"
WAKE_TAP = "tap1"
WAKE_MAC = "52:54:00:12:34:57"
WAKE_OUTSIDE = "10.79.0.1"
WAKE_BROADCAST = "10.79.0.255"
BOOT_LIMIT = 150  # seconds; 5 to 10 on a quiet machine


class Failed(Exception):
    """The test has failed; its text says how."""


def skip(missing, why):
    print(f"left out: {why}")
    sys.exit(left_out.status(missing))


def wait_until(what, condition, limit, every=0.02):
    """The first true value of CONDITION(); Failed after LIMIT seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {limit} s")
        time.sleep(every)


def enter_namespace():
    """Runs this program again inside a network namespace of its own, with tap devices for the guest
    and, as in a pod with several networks, a default route that leads elsewhere."""
    if os.environ.get("ROUSE_QEMU_NAMESPACE") != "1":
        for tool in ("qemu-system-x86_64", "ip", "unshare", "busybox", "strip", "ldd"):
            if not shutil.which(tool):
                skip(tool, f"there is no {tool}")
        kernel()  # may have to be fetched, and the namespace has no way out
        how = ["unshare", "--net"]
        if os.geteuid() != 0:
            how += ["--user", "--map-root-user"]
        if subprocess.run([*how, "ip", "tuntap", "add", "dev", DATA_TAP, "mode", "tap"], check=False,
                          capture_output=True).returncode != 0:
            skip("namespaces", "network namespaces or tap devices are closed here")
        os.environ["ROUSE_QEMU_NAMESPACE"] = "1"
        os.execvp(how[0], [*how, sys.executable, *sys.argv])
    for words in ("link set lo up", f"tuntap add dev {DATA_TAP} mode tap", f"tuntap add dev {WAKE_TAP} mode tap",
                  f"addr add {OUTSIDE}/24 dev {DATA_TAP}", f"addr add {WAKE_OUTSIDE}/24 dev {WAKE_TAP}",
                  f"link set {DATA_TAP} up", f"link set {WAKE_TAP} up", "link add elsewhere type veth peer name nowhere", "addr add 10.78.0.1/24 dev elsewhere",
                  "link set elsewhere up", "link set nowhere up", "route add default via 10.78.0.254"):
        subprocess.run(["ip", *words.split()], check=True)


def kernel():
    """(kernel image, folder of its modules)"""
    found = subprocess.run([TOP / "scripts/kernel"], capture_output=True, text=True, check=False, timeout=300)
    if found.returncode != 0:
        skip("kernel", found.stderr.strip())
    root = pathlib.Path(found.stdout.strip())
    image = max(root.glob("boot/vmlinuz-*-amd64"))
    return image, root / "lib/modules" / image.name.removeprefix("vmlinuz-")


def drivers():
    """The modules of both cards, in the order in which they are loaded."""
    _, modules = kernel()
    return [modules / "kernel/drivers/net" / name
            for name in ("mii.ko", "ethernet/realtek/8139cp.ko", "ethernet/intel/e1000e/e1000e.ko")]


def die_with_parent():
    """In a child: nothing outlives this test, however it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A child with its output in a file; ended by its pid."""

    def __init__(self, name, command, log, **options):
        self.name = name
        self.log = log
        with open(log, "wb") as output:
            self._child = subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent, **options)

    def check_alive(self):
        if self._child.poll() is not None:
            raise Failed(f"{self.name} has ended ({self._child.returncode}):\n{self.text()[-3000:]}")

    def text(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")

    def stop(self, patience=20):
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(patience)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait(10)


class Qmp:
    """QEMU's monitor. Events are kept with the time at which they came."""

    def __init__(self, path):
        self._socket = wait_until("QEMU's monitor", lambda: self._connect(path), 30)
        self._lock = threading.Lock()
        self._answer = threading.Semaphore(0)
        self._answers = []
        self.events = []
        self.is_closed = False
        threading.Thread(target=self._read, daemon=True).start()
        self.command("qmp_capabilities")

    @staticmethod
    def _connect(path):
        attempt = socket.socket(socket.AF_UNIX)
        try:
            attempt.connect(path)
            return attempt
        except OSError:
            attempt.close()
            return None

    def _read(self):
        for line in self._socket.makefile("rb"):
            said = json.loads(line)
            if "event" in said:
                self.events.append((said["event"], time.monotonic()))
            elif "return" in said or "error" in said:
                self._answers.append(said)
                self._answer.release()
        self.is_closed = True

    def command(self, name):
        with self._lock:
            self._socket.sendall(json.dumps({"execute": name}).encode() + b"\n")
            if not self._answer.acquire(timeout=30):
                raise Failed(f"QEMU does not answer {name}")
            answer = self._answers.pop(0)
        if "error" in answer:
            raise Failed(f"QEMU refuses {name}: {answer['error']}")
        return answer["return"]

    def status(self):
        return self.command("query-status")["status"]

    def count(self, event):
        return sum(1 for name, _ in self.events if name == event)

    def when(self, event, number):
        """The time of the NUMBERth (from 1)."""
        return [at for name, at in self.events if name == event][number - 1]


class MagicListener:
    """The network card that is armed with `wol g`: wakes the machine for its magic packet."""

    PACKET_OUTGOING = 4

    def __init__(self, qmp, tap=WAKE_TAP, mac=WAKE_MAC):
        octets = bytes.fromhex(mac.replace(":", ""))
        self._magic = b"\xff" * 6 + octets * 16
        self._qmp = qmp
        self.packets = []  # (time, destination MAC, ethertype, whether the machine slept)
        self.wakes = []
        self.failed = None
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
        self._socket.bind((tap, 0))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while not self._qmp.is_closed:
            frame, address = self._socket.recvfrom(65536)
            if address[2] != self.PACKET_OUTGOING or self._magic not in frame:
                continue
            try:
                sleeps = self._qmp.status() == "suspended"
                self.packets.append((time.monotonic(), frame[:6].hex(":"),
                                     struct.unpack("!H", frame[12:14])[0], sleeps))
                if sleeps:
                    self.wakes.append(time.monotonic())
                    self._qmp.command("system_wakeup")
            except (Failed, OSError) as failed:
                self.failed = failed
                return


class Machine:
    """QEMU with two network cards. Its console is a file."""

    def __init__(self, folder, initramfs, memory=768):
        image, _ = kernel()
        self.console_file = folder / "console"
        monitor = str(folder / "qmp")
        # TCG: what a machine without nested virtualisation has, and the same everywhere.
        self.qemu = Process("QEMU", [
            "qemu-system-x86_64", "-machine", "pc", "-accel", os.environ.get("ROUSE_QEMU_ACCEL", "tcg"),
            "-m", str(memory), "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(image), "-initrd", str(initramfs),
            "-append", "console=ttyS0 quiet panic=-1 rdinit=/init net.ifnames=0 no_console_suspend",
            "-serial", f"file:{self.console_file}", "-qmp", f"unix:{monitor},server=on,wait=off",
            "-netdev", f"tap,id=data,ifname={DATA_TAP},script=no,downscript=no",
            "-device", f"e1000e,netdev=data,mac={DATA_MAC}",
            "-netdev", f"tap,id=wake,ifname={WAKE_TAP},script=no,downscript=no",
            "-device", f"rtl8139,netdev=wake,mac={WAKE_MAC}"], folder / "qemu.log")
        self.qmp = Qmp(monitor)
        self.card = MagicListener(self.qmp)

    def console(self):
        try:
            return self.console_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def wait_for(self, pattern, limit, number=1):
        """The NUMBERth match of PATTERN on the console."""

        def look():
            self.qemu.check_alive()
            if self.card.failed:
                raise Failed(f"the network card: {self.card.failed}")
            found = list(re.finditer(pattern, self.console()))
            return found[number - 1] if len(found) >= number else None

        return wait_until(f"/{pattern}/ on the console", look, limit)

    def wait_for_event(self, event, number, limit):
        """The time of the NUMBERth EVENT."""

        def look():
            self.qemu.check_alive()
            return self.qmp.count(event) >= number

        wait_until(f"QEMU's event {event} ({number})", look, limit)
        return self.qmp.when(event, number)

    def stop(self):
        self.qemu.stop(5)
