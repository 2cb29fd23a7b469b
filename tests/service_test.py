#!/usr/bin/env python3
"""Holds what is installed to what systemd says of it: tests/service_test.py CMAKE BUILD

Installs BUILD into a root of its own and asks systemd-analyze, systemd-sysusers and systemd-tmpfiles,
none of which needs a running systemd. Without them it is left out: exit status 77, but 1 where
CI=true.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import left_out

PACKAGES = {"rouse": "rouse", "suspendd": "rouse-suspendd"}
# What `systemd-analyze security` may say at most, times ten.
EXPOSURE_MAX = {"rouse.service": 25, "rouse-suspendd.service": 30, "rouse-suspendd-gate.service": 25,
                "rouse-suspendd-relay.service": 15}
SLEEPS = ("systemd-suspend", "systemd-hibernate", "systemd-hybrid-sleep", "systemd-suspend-then-hibernate")
TOOLS = ("systemd-analyze", "systemd-sysusers", "systemd-tmpfiles", "systemctl")


def run(faults, *command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        faults.append(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(faults, cmake, build, component, root, prefix):
    run(faults, cmake, "--install", build, "--component", component, "--prefix", prefix,
        env={"DESTDIR": str(root)})


def check_unit(faults, root, unit):
    run(faults, "systemd-analyze", "security", "--offline=true", f"--root={root}",
        f"--threshold={EXPOSURE_MAX[unit]}", unit)
    # Its neighbours (dbus.socket, …) are not in this root, which is no fault of the unit.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}",
                           "--recursive-errors=no", unit], capture_output=True, text=True,
                          check=False, timeout=60)
    said = [line for line in (done.stdout + done.stderr).splitlines() if unit in line]
    if done.returncode != 0 or said:
        faults.append(f"systemd-analyze verify {unit}: exit status {done.returncode}\n" + "\n".join(said))


def seconds(text):
    spans = {"s": 1, "sec": 1, "min": 60, "h": 3600}
    parts = re.findall(r"(\d+)\s*([a-z]*)", text)
    return sum(int(number) * spans[name or "s"] for number, name in parts)


def check_restarts(faults, root, unit):
    """A start that fails again and again ends, and one that cannot get better is not tried again."""
    text = (root / "usr/lib/systemd/system" / unit).read_text(encoding="utf-8")
    found = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
    if "Restart" not in found:
        return
    if found.get("RestartPreventExitStatus") != "2":
        faults.append(f"{unit} is started again after a fault of its configuration")
    needed = seconds(found["RestartSec"]) * int(found.get("StartLimitBurst", 5))
    if needed >= seconds(found.get("StartLimitIntervalSec", "10s")):
        faults.append(f"{unit} is started for ever: its limit is never reached")


def check_reload(faults, root, rouse):
    """ExecReload= as it stands: both files are told of, and the broken one fails."""
    text = (root / "usr/lib/systemd/system/rouse.service").read_text(encoding="utf-8")
    command = re.search(r"^ExecReload=/bin/sh -c '(.*)'$", text, re.M).group(1).replace("$$", "$")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "config.yaml"
        command = command.replace("/usr/bin/rouse", rouse).replace("/etc/rouse/config.yaml", str(file))
        for content, is_good in (("models: {}\n", True), ("models: 7\n", False)):
            file.write_text(content, encoding="utf-8")
            with subprocess.Popen(["sleep", "60"]) as main:
                # No kill but the shell's own: procps may be missing.
                done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False,
                                      timeout=30, env={"MAINPID": str(main.pid), "PATH": folder})
                if (done.returncode == 0) != is_good:
                    faults.append(f"ExecReload= with {content!r}: exit status {done.returncode}\n{done.stderr}")
                try:
                    told = main.wait(5) == -signal.SIGHUP
                except subprocess.TimeoutExpired:
                    main.kill()
                    told = False
                if not told:
                    faults.append(f"ExecReload= with {content!r} does not tell rouse\n{done.stderr}")


def check_enabling(faults, root, unit, links):
    run(faults, "systemctl", f"--root={root}", "enable", unit)
    folder = root / "etc/systemd/system"
    made = sorted(f"{pathlib.Path(path).relative_to(folder)}/{unit}"
                  for path, folders, files in os.walk(folder) if unit in files + folders)
    if made != sorted(f"{link}/{unit}" for link in links):
        faults.append(f"enabling {unit} made {made}")


def check_users(faults, root, package):
    shutil.copytree("/usr/lib/sysusers.d", root / "usr/lib/sysusers.d", dirs_exist_ok=True,
                    ignore=lambda _, names: [n for n in names if n != "basic.conf"])
    run(faults, "systemd-sysusers", f"--root={root}", f"{package}.conf")
    users = (root / "etc/passwd").read_text(encoding="utf-8")
    if not re.search(rf"^{package}:", users, re.M):
        faults.append(f"{package}.conf makes no user {package}:\n{users}")
    groups = (root / "etc/group").read_text(encoding="utf-8")
    for group in ("rouse", "video", "render"):
        if not re.search(rf"^{group}:", groups, re.M):
            faults.append(f"{package}.conf makes no group {group}, which its unit names")
    run(faults, "systemd-tmpfiles", f"--root={root}", "--create", f"{package}.conf")
    shared = root / "run/rouse"
    if not shared.is_dir() or shared.stat().st_mode & 0o7777 != 0o3775:
        faults.append(f"{package}.conf of tmpfiles.d does not make /run/rouse")


def check_prefix(faults, cmake, build, component, package):
    """Elsewhere the units name the programs there, and a configuration that exists is kept."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        mine = root / "etc/default" / package
        mine.parent.mkdir(parents=True)
        mine.write_text("MINE=1\n", encoding="utf-8")
        install(faults, cmake, build, component, root, "/usr/local")
        unit = (root / f"usr/local/lib/systemd/system/{package}.service").read_text(encoding="utf-8")
        if f"ExecStart=/usr/local/bin/{package} " not in unit or " /usr/bin/rouse" in unit:
            faults.append(f"{package}.service below /usr/local starts another program:\n{unit}")
        if mine.read_text(encoding="utf-8") != "MINE=1\n":
            faults.append(f"installing overwrites {mine.name}")


def check_package(faults, cmake, build, component, package):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        install(faults, cmake, build, component, root, "/usr")
        # Every Debian has it; the root has only what is ours.
        (root / "bin").mkdir(exist_ok=True)
        shutil.copy("/bin/true", root / "bin/sh")
        check_unit(faults, root, f"{package}.service")
        check_restarts(faults, root, f"{package}.service")
        if component == "rouse" and os.access(pathlib.Path(build) / "rouse", os.X_OK):
            check_reload(faults, root, str(pathlib.Path(build) / "rouse"))
        check_enabling(faults, root, f"{package}.service", ["multi-user.target.wants"])
        if component == "suspendd":
            gate = f"{package}-gate.service"
            check_unit(faults, root, gate)
            check_enabling(faults, root, gate, [f"{sleep}.service.requires" for sleep in SLEEPS])
            check_unit(faults, root, f"{package}-relay.service")
            check_restarts(faults, root, f"{package}-relay.service")
        if os.geteuid() == 0:  # the folders get their owners
            check_users(faults, root, package)
    check_prefix(faults, cmake, build, component, package)


def self_test(faults):
    """A unit that must not pass."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        unit = root / "usr/lib/systemd/system/rouse.service"
        unit.parent.mkdir(parents=True)
        unit.write_text("[Service]\nExecStart=/missing\nProtectSytem=strict\n", encoding="utf-8")
        found = []
        check_unit(found, root, "rouse.service")
        if len(found) != 2:
            faults.append(f"service_test: these should be two faults: {found}")
        unit.write_text("[Service]\nRestart=on-failure\nRestartSec=2\n", encoding="utf-8")
        found = []
        check_restarts(found, root, "rouse.service")
        if len(found) != 2:
            faults.append(f"service_test: these should be two faults of restarting: {found}")


def main():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print(f"service: left out, since these are missing (Debian's package systemd): {missing}")
        return left_out.status(*missing)
    faults = []
    self_test(faults)
    cmake, build, *programs = sys.argv[1:]
    for component, package in PACKAGES.items():
        if package in programs:
            check_package(faults, cmake, build, component, package)
    print("\n".join(faults))
    print(f"service: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
