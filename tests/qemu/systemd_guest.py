#!/usr/bin/env python3
"""The packages in a machine with a whole systemd: tests/qemu/systemd_guest.py BUILD [FACT…]

Takes the .deb files of BUILD (see README), makes a Debian root with them in it (mmdebstrap, kept in
BUILD/qemu until a package changes), starts it in QEMU with its root in memory, and lets
systemd_guest.sh tell one fact after the other. The machine is woken by magic packets. Takes about
three minutes, so it is not part of ctest. Exit status: 0, 1 when something is not as it should be,
77 when it had to be left out.
"""
import hashlib
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from initramfs import Initramfs, add_tar
from machine import (DATA_MAC, INSIDE, TOP, WAKE_BROADCAST, WAKE_MAC, WAKE_OUTSIDE, Failed, Machine, drivers,
                     enter_namespace, skip)

FACTS = ["units", "engines", "troubles", "gate", "closed_gate", "polkit", "daemon", "aborted", "removal",
         "trap_without_our_file"]
PACKAGES = ["systemd-sysv", "dbus", "udev", "libpam-systemd", "polkitd", "kmod", "procps", "iproute2", "ethtool"]
WITHOUT = ["usr/share/doc/perl", "usr/share/locale", "usr/share/man", "usr/share/i18n", "usr/lib/x86_64-linux-gnu/perl",
           "usr/lib/udev/hwdb.bin", "usr/lib/udev/hwdb.d", "usr/share/perl", "var/cache/apt", "var/lib/apt/lists"]
# Stand in for the driver's: they run at the same places of the suspend.
NVIDIA = """[Unit]
Description=NVIDIA system {name} actions
{order}
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo {name} >>/run/nvidia'
[Install]
WantedBy=systemd-suspend.service
"""
TEST_UNIT = """[Unit]
After=multi-user.target
[Service]
Type=exec
ExecStart=/bin/bash /root/systemd_guest.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=graphical.target
"""
NETWORK_UNIT = f"""[Unit]
DefaultDependencies=no
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for module in /root/*.ko; do insmod $module; done'
ExecStart=/bin/sh -c 'for card in /sys/class/net/eth*; do ip link set $$(basename $$card) up; done'
ExecStart=/bin/sh -c 'ip addr add {INSIDE}/24 dev $$(basename $$(dirname $$(grep -l {DATA_MAC} /sys/class/net/*/address)))'
[Install]
WantedBy=sysinit.target
"""
SUSPENDD_CONFIG = """
idle: {time: 1h, poll: 1s}
grace: {min_uptime: 1s, resume: 1s}
linger: {wol: 1h, rtc: 1h, other: 1h}
checks: [{kind: proxy}, {kind: sessions}, {kind: inhibitors}]
gpu: {probe: false}
"""
CONFIG = "models:\n  m:\n    cmd: /usr/local/bin/fake_engine --port ${PORT}\n"


def packages(build):
    found = [sorted(build.glob(f"{name}_*.deb")) for name in ("rouse", "rouse-suspendd")]
    if not all(found):
        sys.exit(f"systemd_guest: no packages in {build}: run cpack there")
    return [each[-1] for each in found]


def make_root(build, debs):
    """A tar file with Debian, systemd and the packages; apt resolves what they depend on."""
    if not shutil.which("mmdebstrap"):
        skip("mmdebstrap", "there is no mmdebstrap")
    key = hashlib.sha256(b"".join(deb.read_bytes() for deb in debs) + repr(PACKAGES).encode()).hexdigest()[:16]
    root = build / "qemu" / f"root-{key}.tar"
    if root.exists():
        return root
    root.parent.mkdir(exist_ok=True)
    for old in root.parent.glob("root-*.tar"):
        old.unlink()
    begun = time.monotonic()
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    command += [f"--customize-hook=copy-in {deb} /root" for deb in debs]
    command += ['--customize-hook=chroot "$1" sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -y '
                '--no-install-recommends /root/*.deb"', "bookworm", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        root.unlink(missing_ok=True)
        sys.exit(f"systemd_guest: mmdebstrap failed:\n{done.stderr[-4000:]}")
    print(f"root made in {time.monotonic() - begun:.0f} s")
    return root


def unit(image, name, text, wanted_by):
    image.file(f"etc/systemd/system/{name}", text)
    image.link(f"etc/systemd/system/{wanted_by}.wants/{name}", f"/etc/systemd/system/{name}")


def make_image(path, root, engine, facts):
    """What is written first stays: later files of the same name are left out."""
    image = Initramfs(path)
    unit(image, "network-card.service", NETWORK_UNIT, "sysinit.target")
    unit(image, "facts.service", TEST_UNIT, "multi-user.target")
    for name, order in (("suspend", "Before=systemd-suspend.service"), ("resume", "After=systemd-suspend.service")):
        unit(image, f"nvidia-{name}.service", NVIDIA.format(name=name, order=order), "systemd-suspend.service")
    image.file("etc/rouse/config.yaml", CONFIG)
    image.file("etc/rouse/suspendd.yaml", SUSPENDD_CONFIG)
    # No console of ours may be taken by a login.
    image.link("etc/systemd/system/serial-getty@ttyS0.service", "/dev/null")
    image.link("etc/systemd/system/systemd-firstboot.service", "/dev/null")
    image.file("etc/systemd/logind.conf.d/test.conf", "[Login]\nHandlePowerKey=ignore\n")
    image.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    image.file("root/systemd_guest.sh", (TOP / "tests/qemu/systemd_guest.sh").read_text(encoding="utf-8"))
    image.file("root/facts", "".join(f"{fact}\n" for fact in facts))
    for number, driver in enumerate(drivers()):
        image.file(f"root/{number}.ko", driver.read_bytes())
    image.program(engine, "usr/local/bin/fake_engine")
    image.link("init", "/lib/systemd/systemd")
    add_tar(image, root, WITHOUT)
    image.write()


def wake_when_asleep(machine, ended):
    """Sends the magic packet a second after each suspend: a shorter sleep does not count as one."""
    magic = b"\xff" * 6 + bytes.fromhex(WAKE_MAC.replace(":", "")) * 16
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sender.bind((WAKE_OUTSIDE, 0))
    while not ended.wait(0.5) and not machine.qmp.is_closed:
        try:
            slept = machine.qmp.count("SUSPEND")
            if (slept and machine.qmp.status() == "suspended"
                    and time.monotonic() > machine.qmp.when("SUSPEND", slept) + 1):
                sender.sendto(magic, (WAKE_BROADCAST, 9))
        except (Failed, OSError):
            return


def tell(machine, facts):
    """Prints what the guest says as it says it; the number of things that are not as they should be."""
    begun = time.monotonic()
    machine.wait_for(r"fact: ", 240)
    print(f"the guest has started in {time.monotonic() - begun:.0f} s")
    for fact in facts:
        begun = time.monotonic()
        if fact == "trap_without_our_file":
            # It enters s2idle, from which nothing of this machine wakes it: seen, and left.
            machine.wait_for(r"suspend entry \(s2idle\)", 90)
            print("ok: without SuspendState=mem the aborted suspend becomes s2idle: the trap is real")
        else:
            machine.wait_for(f"end of {fact}", 240)
        text = machine.console().replace("\r", "")
        part = text[text.index(f"fact: {fact}\n"):]
        said = re.findall(r"^(?:ok:|FAILED:|security:|last failure:|logind says:|check:|  \|).*", part, re.M)
        print(f"--- {fact} ({time.monotonic() - begun:.1f} s)")
        print("\n".join(said), flush=True)
    return len(re.findall(r"^FAILED:", machine.console().replace("\r", ""), re.M))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    root = make_root(build, packages(build))  # kept, and made here: the namespace has no way out
    enter_namespace()
    facts = sys.argv[2:] or FACTS
    engine = next((path for path in (build / "fake_engine", TOP / "build/dev/fake_engine") if path.exists()), None)
    if not engine:
        sys.exit("systemd_guest: build the target fake_engine first")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_image(folder / "initrd", root, engine, facts)
        print(f"image: {(folder / 'initrd').stat().st_size >> 20} MiB")
        machine = Machine(folder, folder / "initrd", memory=1280)
        ended = threading.Event()
        threading.Thread(target=wake_when_asleep, args=(machine, ended), daemon=True).start()
        try:
            faults = tell(machine, facts)
        except Failed as failed:
            print(f"FAILED: {failed}\n{machine.console()[-6000:]}")
            faults = 1
        finally:
            ended.set()
            machine.stop()
    print(f"systemd_guest: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
