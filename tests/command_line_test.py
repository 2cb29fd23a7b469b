#!/usr/bin/env python3
"""Holds what the programs print for people to what it does: tests/command_line_test.py CMAKE BUILD

Installs BUILD into a root of its own, and there: the manuals have no fault (mandoc, groff), three
shells can read and use the completions, and every line that help and manual show for pasting is
pasted, into a world of its own (tests/example_lines.py). Where a tool is missing it is left out:
exit status 77, but 1 where CI=true.
"""
import gzip
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

import example_lines
import left_out

PROGRAMS = {"rouse": ("rouse", "rouse.yaml"), "suspendd": ("rouse-suspendd", "suspendd.yaml")}
TOOLS = ("mandoc", "groff", "bash", "zsh", "fish")
PROMPT = "ready> "
# What is typed, and what the program is then given.
TYPED = {
    "rouse": (("rouse sche\t", ["schema"]), ("rouse serve --watch-c\t", ["serve", "--watch-config"]),
              ("rouse check conf\t", ["check", "config.yaml"]),
              ("rouse check -c conf\t", ["check", "-c", "config.yaml"]),
              ("rouse check --config=conf\t", ["check", "--config=config.yaml"]),
              ("rouse check with\\ bl\t", ["check", "with blank.yaml"]),
              ("rouse serve --config-dir fold\t", ["serve", "--config-dir", "folder"]),
              ("rouse help sche\t", ["help", "schema"]),
              ("rouse -c conf\t", ["-c", "config.yaml"])),
    "rouse-suspendd": (("rouse-suspendd expl\t", ["explain"]),
                       ("rouse-suspendd check conf\t", ["check", "config.yaml"]),
                       ("rouse-suspendd hold --fo\t", ["hold", "--for"]),
                       ("rouse-suspendd history --jso\t", ["history", "--json"]),
                       ("rouse-suspendd run-held pwgen-of-the-te\t", ["run-held", "pwgen-of-the-test"])),
}


def run(faults, *command, **how):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **how)
    said = done.stdout + done.stderr
    if done.returncode != 0:
        faults.append(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{said}")
    return said


def check_manual(faults, page, folder):
    """One that is installed, as it is shown."""
    plain = folder / page.name.removesuffix(".gz")
    plain.write_bytes(gzip.decompress(page.read_bytes()))
    for linter in (("mandoc", "-T", "lint", "-W", "style", plain),
                   ("groff", "-man", "-Tutf8", "-ww", "-z", plain)):
        said = run(faults, *linter)
        if said:
            faults.append(f"{linter[0]} on {plain.name}:\n{said}")
    shown = run(faults, "mandoc", "-T", "ascii", plain)
    if "NAME" not in shown or len(shown) < 2000:
        faults.append(f"{plain.name} shows only:\n{shown}")


def typed(shell, set_up, keys, folder):
    """What a stub of the program is given when @keys are typed into the shell."""
    told = folder / "told"
    told.unlink(missing_ok=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ.update(PATH=f"{folder}/bin:{os.environ['PATH']}", TERM="dumb", PS1=PROMPT,
                          HOME=str(folder), INPUTRC="/dev/null", ZDOTDIR=str(folder))
        os.execvp(shell[0], shell)
    heard = b""
    deadline = time.monotonic() + 20

    def wait_for(is_there):
        nonlocal heard
        while not is_there() and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    heard += os.read(terminal, 65536)
                except OSError:
                    return
    for line in (*set_up, f"PS1='{PROMPT}'"):
        os.write(terminal, line.encode() + b"\n")
    os.write(terminal, b"echo set''-up\n")
    wait_for(lambda: b"set-up" in heard)
    os.write(terminal, keys.encode())
    os.write(terminal, b"\n")
    wait_for(lambda: told.exists() and told.read_text(encoding="utf-8").endswith("\n.\n"))
    os.write(terminal, b"\x03exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)
    if not told.exists():
        return f"nothing; the terminal shows {heard.decode(errors='replace')!r}"
    # zsh takes the slash of a folder back when the line is finished.
    return [word.removesuffix("/") for word in told.read_text(encoding="utf-8").split("\n")[:-2]]


def check_completions(faults, root, program, folder):
    (folder / "bin").mkdir(exist_ok=True)
    for name in ("config.yaml", "with blank.yaml", "folder.yaml"):
        (folder / name).write_text("{}\n", encoding="utf-8")
    (folder / "folder").mkdir(exist_ok=True)
    for name in (program, "pwgen-of-the-test"):
        stub = folder / "bin" / name
        stub.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\" . > told.new && mv told.new told\n",
                        encoding="utf-8")
        stub.chmod(0o755)
    share = root / "usr/share"
    bash = share / "bash-completion/completions" / program
    zsh = share / "zsh/vendor-completions" / f"_{program}"
    fish = share / "fish/vendor_completions.d" / f"{program}.fish"
    run(faults, "bash", "-n", bash)
    run(faults, "zsh", "-n", zsh)
    run(faults, "fish", "--no-config", "-n", fish)
    for keys, wanted in TYPED[program]:
        given = typed(["bash", "--norc", "--noprofile", "-i"], [f"source {bash}"], keys, folder)
        if given != wanted:
            faults.append(f"bash makes of {keys!r}: {given}")
        given = typed(["zsh", "-f", "-i"],
                      [f"fpath=({zsh.parent} $fpath)", "autoload -Uz compinit", "compinit -u -D"],
                      keys, folder)
        if given != wanted:
            faults.append(f"zsh makes of {keys!r}: {given}")
        said = run(faults, "fish", "--no-config", "-c",
                   f"source {fish}; complete -C '{keys.strip()}'", cwd=folder,
                   env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})
        found = [line.split("\t")[0].replace("\\", "").removesuffix("/") for line in said.splitlines()]
        if found != wanted[-1:]:
            faults.append(f"fish makes of {keys!r}: {found}")


def check_program(faults, cmake, build, component, folder):
    program, page = PROGRAMS[component]
    root = folder / "root"
    run(faults, cmake, "--install", build, "--component", component, "--prefix", "/usr",
        env={**os.environ, "DESTDIR": str(root)})
    for section, name in ((1, program), (5, page)):
        check_manual(faults, root / f"usr/share/man/man{section}/{name}.{section}.gz", folder)
    check_completions(faults, root, program, folder)


def check_examples(faults, build):
    lines = []
    for program, _ in PROGRAMS.values():
        lines += run(faults, build / program, "docs", "examples").splitlines()
    if len(lines) < 10:
        faults.append(f"these should be more examples: {lines}")
    for line in (*example_lines.ENDLESS, *example_lines.WATCHING, *example_lines.OTHERWISE):
        if line not in lines:
            faults.append(f"tests/example_lines.py has a line that nobody shows: {line}")
    # In this order what is held is released.
    faults += example_lines.faults_of(build, sorted(set(lines)))


def self_test(faults, build):
    """Faults that must be seen."""
    found = example_lines.faults_of(build, ["rouse check no-such-file.yaml"])
    if len(found) != 1 or "exit status 2" not in found[0]:
        faults.append(f"command_line_test: this should be one fault: {found}")
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "bad.1.gz"
        page.write_bytes(gzip.compress(b".TH BAD 1\n.SH NAME\nbad \\- \\fBbad\n.NOMACRO\n"))
        found = []
        check_manual(found, page, pathlib.Path(folder))
        if not re.search("mandoc.*NOMACRO", "\n".join(found), re.S):
            faults.append(f"command_line_test: a macro that is none went unnoticed: {found}")


def main():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if not missing and example_lines.faults_of(pathlib.Path(sys.argv[2]), []) is None:
        missing.append("namespaces")
    if missing:
        print(f"command line: left out, since these are missing: {missing}")
        return left_out.status(*missing)
    cmake, build = sys.argv[1], pathlib.Path(sys.argv[2])
    faults = []
    self_test(faults, build)
    for component in PROGRAMS:
        with tempfile.TemporaryDirectory() as folder:
            check_program(faults, cmake, build, component, pathlib.Path(folder))
    check_examples(faults, build)
    print("\n".join(faults))
    print(f"command line: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
