#!/usr/bin/env python3
"""Makes the Debian packages of a build and reads them: tests/packages_test.py BUILD

Holds them to lintian, to what they must depend on, and to the files that a user looks for; and packing to
stopping where it cannot be done well. How they install, run and go again in an empty Debian is seen by
tests/root/packages_in_root.sh. Without Debian's tools it is left out: exit status 77, but 1 where CI=true.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import left_out

TOOLS = ("cpack", "dpkg-deb", "dpkg-shlibdeps", "file", "lintian")
# What the programs' own libraries do not bring in.
DEPENDS = {
    "rouse": {"init-system-helpers", "systemd", "libc6"},
    # logind lets its user suspend by polkit's word only, and both are asked on the bus.
    "rouse-suspendd": {"init-system-helpers", "systemd", "polkitd", "default-dbus-system-bus", "libc6"},
}
FILES = {
    "rouse": ["etc/rouse/config.yaml", "usr/share/man/man5/rouse.yaml.5.gz",
              "usr/share/doc/rouse/examples/config.example.yaml"],
    "rouse-suspendd": ["etc/rouse/suspendd.yaml", "usr/share/man/man5/suspendd.yaml.5.gz",
                       "usr/share/polkit-1/rules.d/50-rouse-suspendd.rules",
                       "usr/share/doc/rouse-suspendd/examples/suspendd.example.yaml"],
}
EVERY = ["usr/bin/{}", "usr/lib/systemd/system/{}.service", "etc/default/{}", "usr/share/doc/{}/copyright",
         "usr/share/doc/{}/changelog.gz", "usr/share/doc/{}/CHANGELOG.md.gz", "usr/share/man/man1/{}.1.gz"]


def run(*command, env=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=240,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout + done.stderr


def pack(build, folder, *options, env=None):
    """(what cpack ended with and said, the packages)"""
    ended = run("cpack", "--config", build / "CPackConfig.cmake", "-B", folder, *options, env=env)
    return ended, sorted(folder.glob("*.deb"))


def check_contents(faults, name, deb):
    _, control = run("dpkg-deb", "--field", deb)
    depends = re.search(r"^Depends: (.*)$", control, re.M)
    has = {re.match(r"[a-z0-9.+-]+", each.strip()).group() for each in depends.group(1).split(",")} if depends else set()
    if not DEPENDS[name] <= has:
        faults.append(f"{name} does not depend on {DEPENDS[name] - has}, only on {sorted(has)}")
    _, listed = run("dpkg-deb", "--contents", deb)
    there = {line.split()[5].removeprefix("./") for line in listed.splitlines() if len(line.split()) > 5}
    wanted = [path.format(name) for path in EVERY] + FILES[name]
    faults += [f"{name} lacks /{path}" for path in wanted if path not in there]
    _, conffiles = run("dpkg-deb", "--info", deb, "conffiles")
    etc = {f"/{path}" for path in there if path.startswith("etc/") and not path.endswith("/")}
    if set(conffiles.split()) != etc:
        faults.append(f"{name} does not keep what operators change: {sorted(etc ^ set(conffiles.split()))}")


def check_stops(faults, build):
    """Without dpkg-shlibdeps no package is made, and it says what to install."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tools = folder / "bin"
        tools.mkdir()
        for place in os.environ["PATH"].split(":"):
            for tool in pathlib.Path(place).glob("*") if place else ():
                link = tools / tool.name
                if tool.name != "dpkg-shlibdeps" and not link.is_symlink():
                    link.symlink_to(tool.resolve())
        # It would look in the usual places, too.
        usual = ";".join(os.environ["PATH"].split(":") + ["/usr/local/bin", "/usr/bin", "/bin"])
        (status, said), made = pack(build, folder / "out", "-D", f"CMAKE_IGNORE_PATH={usual}",
                                    env={"PATH": str(tools)})
        if status == 0 or made or "dpkg-dev" not in said:
            faults.append(f"without dpkg-shlibdeps cpack ends with {status} and makes {made}:\n{said}")


def main():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print(f"packages: left out, since these are missing (scripts/packages test): {missing}")
        return left_out.status(*missing)
    build = pathlib.Path(sys.argv[1]).resolve()
    faults = []
    with tempfile.TemporaryDirectory() as name:
        (status, said), made = pack(build, pathlib.Path(name))
        found = {deb.name.partition("_")[0]: deb for deb in made}
        if status != 0 or set(found) != set(DEPENDS):
            faults.append(f"cpack ends with {status} and makes {sorted(found)}:\n{said}")
        for package, deb in found.items():
            check_contents(faults, package, deb)
        if made:
            status, said = run("lintian", "--allow-root", "--fail-on", "error,warning", *made)
            if status != 0:
                faults.append(f"lintian ends with {status}:\n{said}")
    check_stops(faults, build)
    print("\n".join(faults))
    print(f"packages: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
