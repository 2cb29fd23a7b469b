"""A machine of its own for what documents say: own network, own processes, and an own root folder that
shows this machine's /usr and the tree, but has its own /etc, /run, /var, /tmp and home. So a line can be
run as it is printed, with its usual paths and ports, beside anything that runs here."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

import left_out

INSIDE = "ROUSE_DOCUMENTS_WORLD"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT = 60  # seconds that a line may take
# A real one of the tests, with the options that llama-server has and it has not.
LLAMA_SERVER = """#!/bin/bash
# llama-server, in words: `-m FILE` must exist as it must for the real one.
options=()
while [ $# -gt 0 ]; do
  case "$1" in
    -m | --model) [ -r "$2" ] || { echo "error: failed to open $2" >&2; exit 1; }
      options+=(--name "$(basename "$2" .gguf)"); shift 2 ;;
    -c | --ctx-size | -ngl | --n-gpu-layers) shift 2 ;;
    --embedding | --embeddings | --jinja) shift ;;
    --host | --port) options+=("$1" "$2"); shift 2 ;;
    *) echo "error: invalid argument: $1" >&2; exit 1 ;;
  esac
done
exec ENGINE --tokens 5 "${options[@]}"
"""
# What these do is no matter of this test; whether what they are asked for exists, is.
STUBS = {
    "sudo": '#!/bin/sh\nexec "$@"\n',
    "systemctl": """#!/bin/bash
verb=$1
case "$verb" in
  start | stop | restart | reload | enable | disable | status) ;;
  daemon-reload | suspend) exit 0 ;;
  *) echo "systemctl: no verb $verb" >&2; exit 1 ;;
esac
shift
for unit in "$@"; do
  case "$unit" in --now) continue ;; esac
  # Of NVIDIA's driver; tests/qemu/systemd_guest.sh does what is said of them.
  case "$unit" in nvidia-suspend | nvidia-resume) continue ;; esac
  unit=${unit%.service}.service
  [ -e "TREE/systemd/$unit" ] || { echo "systemctl: there is no $unit" >&2; exit 5; }
  if [ "$verb" = reload ] && [[ $(<"TREE/systemd/$unit") != *ExecReload=* ]]; then
    echo "systemctl: $unit cannot reload" >&2; exit 3
  fi
done
""",
    "make": '#!/bin/sh\necho "made $*"\n',
}


def leave_out(missing, why):
    print(f"documents: left out: {why}")
    sys.exit(left_out.status(missing))


def enter():
    """Runs this program again in namespaces of its own; returns inside them only."""
    if os.environ.get(INSIDE) == "1":
        return
    for tool in ("unshare", "ip", "chroot", "curl", "dbus-daemon"):
        if not shutil.which(tool, path=PATH):
            leave_out(tool, f"there is no {tool}")
    how = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        how += ["--user", "--map-root-user"]
    if subprocess.run([*how, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False,
                      capture_output=True).returncode != 0:
        leave_out("namespaces", "they are closed here")
    os.environ[INSIDE] = "1"
    os.execvp(how[0], [*how, sys.executable, *sys.argv])


def quiet(*command):
    subprocess.run(command, check=True, capture_output=True)


class World:
    """The machine. Paths given to it are those inside."""

    def __init__(self, tree, build):
        self.root = pathlib.Path("/mnt")
        self.tree = tree
        self.build = build
        self.background = []
        quiet("mount", "--make-rprivate", "/")
        quiet("mount", "-t", "tmpfs", "tmpfs", str(self.root))
        self._make_folders()
        self._make_programs()
        quiet("ip", "link", "set", "lo", "up")

    def _make_folders(self):
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            own = pathlib.Path("/", name)
            if own.is_symlink():
                (self.root / name).symlink_to(os.readlink(own))
            elif own.is_dir():
                self._bind(own)
        for name in ("/usr", "/dev", "/sys"):
            self._bind(pathlib.Path(name))
        for name in ("proc", "tmp", "run/rouse", "run/dbus", "var/lib/rouse", "var/tmp", "root", "models", "srv/models"):
            self.path(f"/{name}").mkdir(parents=True)
        quiet("mount", "-t", "proc", "proc", str(self.root / "proc"))
        # What an ordinary user may not read is not needed either.
        subprocess.run(["cp", "-a", "/etc", str(self.root)], check=False, capture_output=True)
        shutil.rmtree(self.path("/etc/rouse"), ignore_errors=True)
        for own in {self.tree, self.build}:
            self._bind(own)

    def _bind(self, own):
        there = self.path(str(own))
        there.mkdir(parents=True, exist_ok=True)
        quiet("mount", "--rbind", str(own), str(there))

    def _make_programs(self):
        quiet("mount", "-t", "tmpfs", "tmpfs", str(self.path("/usr/local/bin")))
        for name in ("rouse", "rouse-suspendd"):
            self.path(f"/usr/local/bin/{name}").symlink_to(self.build / name)
        self.program("llama-server", LLAMA_SERVER.replace("ENGINE", str(self.build / "fake_engine")))
        for name, text in STUBS.items():
            self.program(name, text.replace("TREE", str(self.tree)))

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def program(self, name, text):
        file = self.path(f"/usr/local/bin/{name}")
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def write(self, inside, text):
        file = self.path(inside)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def _command(self, line, folder):
        environment = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        words = ["env", "-i", *(f"{key}={value}" for key, value in environment.items()),
                 "chroot", str(self.root), "bash", "-c", f"cd {folder} && {line}"]
        return words

    def run(self, line, folder="/root", stdin=None):
        """(exit status, what it said) of a line as a shell of a user runs it; 124 when it did not end."""
        try:
            done = subprocess.run(self._command(line, folder), input=stdin, text=True, timeout=LIMIT, check=False,
                                  stdin=subprocess.DEVNULL if stdin is None else None,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode("utf-8", "replace")
        return done.returncode, done.stdout

    def start(self, line, until, folder="/root"):
        """Leaves a line running once it has said UNTIL; a fault, or None."""
        log = self.path(f"/tmp/background-{len(self.background)}.log")
        with log.open("wb") as said:
            process = subprocess.Popen(self._command(f"exec {line}", folder), stdin=subprocess.DEVNULL,
                                       stdout=said, stderr=subprocess.STDOUT)
        self.background.append(process)
        end = time.monotonic() + LIMIT
        while until not in log.read_text(encoding="utf-8", errors="replace"):
            if process.poll() is not None or time.monotonic() > end:
                return f"`{line}` did not say \"{until}\":\n{log.read_text(encoding='utf-8', errors='replace')}"
            time.sleep(0.05)
        return None

    def stop(self, fault):
        """Ends what was left running; FAULT is told of what does not end well."""
        for process in reversed(self.background):
            process.terminate()
            try:
                status = process.wait(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            if status not in (0, -15):
                fault(f"what was left running ended with {status}: {' '.join(process.args[-1:])}")
        self.background.clear()
