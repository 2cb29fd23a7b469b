#!/usr/bin/env python3
"""Shows that the tests can fail: puts faults into the code, and counts those that no test notices.

usage: tests/mutate.py [-j N] [--only WORDS] [LIST ...]     all of tests/mutants without LIST
       tests/mutate.py --check                              only whether every fault has its place

A list is tests/mutants/LIST.py:

  TESTS    what notices, in this order: [(program, gtest filter)]
  MUTANTS  [(name in words, file, original, replacement)], with a fifth part where no test can notice: why
  ENVIRONMENT, SECONDS   for the tests; what one run may take

The original stands in its file exactly once. What becomes of it goes by its form:

  a statement, with a ; or a } at its end   if (rouse_mutant(N)) { replacement } else { original }
  a replacement with MUTANT in it           the replacement, with MUTANT for rouse_mutant(N)
  else an expression                        (rouse_mutant(N) ? (replacement) : (original))

So all faults are built once, in a copy of the tree (build/mutants), and ROUSE_MUTANT says which one is
there in a run. Exit status 1 if a folder has less than 90 % caught, or a survivor no reason.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import runpy
import subprocess
import sys
import time
import zlib

TOP = pathlib.Path(__file__).resolve().parent.parent
LISTS = TOP / "tests/mutants"
COPY = TOP / "build/mutants"
BUILD = COPY / "build/dev"
ENOUGH = 90  # percent

HEADER = """#pragma once
#include <cstdlib>
#include <type_traits>

// Written by tests/mutate.py: whether fault number is the one that this run is about.
inline bool rouse_mutant_chosen(unsigned long number) {
  static const unsigned long chosen = [] {
    const char* text = std::getenv("ROUSE_MUTANT");
    return text ? std::strtoul(text, nullptr, 10) : 0;
  }();
  return chosen == number;
}

constexpr bool rouse_mutant(unsigned long number) {
  return !std::is_constant_evaluated() && rouse_mutant_chosen(number);
}
"""
# Half of a fault is dead code, of which the compiler may think what it likes.
QUIET = '#include "rouse_mutant.hpp"\n#pragma clang diagnostic ignored "-Weverything"\n#line 1\n'


class Mutant:
    def __init__(self, of, name, file, original, replacement, reason=""):
        self.of, self.name, self.file, self.reason = of, name, file, reason
        self.original, self.replacement = original, replacement
        self.number = zlib.crc32(f"{of}: {name}".encode()) or 1
        self.begin = self.end = 0
        self.inner = []

    def code(self, text):
        """What stands in the file in place of the original, which is text, faults in it included."""
        condition = f"rouse_mutant({self.number}UL)"
        if "MUTANT" in self.replacement:
            return self.replacement.replace("MUTANT", condition)
        # What only ends with a brace is a value, as in Duration{0}.
        text_end = self.original.rstrip()
        if text_end.endswith(";") or (text_end.endswith("}") and ";" in text_end):
            return f"if ({condition}) {{ {self.replacement} }} else {{ {text} }}"
        return f"({condition} ? ({self.replacement}) : ({text}))"

    def covers(self, other):
        return self.begin <= other.begin and other.end <= self.end


class List:
    def __init__(self, path):
        self.name = path.stem
        parts = runpy.run_path(str(path))
        self.tests = parts["TESTS"]
        self.mutants = [Mutant(self.name, *each) for each in parts["MUTANTS"]]
        self.environment = parts.get("ENVIRONMENT", {})
        self.seconds = parts.get("SECONDS", 60)


def fault_of(mutant):
    """Why what becomes of it could not be built, as far as that shows without a compiler; empty: it may be."""
    if "MUTANT" in mutant.replacement:
        return ""
    bare = re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])'|//[^\n]*", "", mutant.original)
    if any(bare.count(opens) != bare.count(closes) for opens, closes in ("()", "[]", "{}")):
        return "has brackets without their others: neither a statement nor an expression"
    return "ends with an operator" if bare.rstrip().endswith(("&&", "||")) else ""


def place(mutants, text):
    """Finds each fault in the text of its file, and which stands within which; gives what is wrong."""
    faults = []
    for mutant in mutants:
        found = text.count(mutant.original)
        if found != 1:
            faults.append(f"tests/mutants/{mutant.of}.py: {mutant.name}: "
                          f"{mutant.file} has the original {found} times, not once")
            continue
        if why := fault_of(mutant):
            faults.append(f"tests/mutants/{mutant.of}.py: {mutant.name}: {why}")
            continue
        mutant.begin = text.index(mutant.original)
        mutant.end = mutant.begin + len(mutant.original)
    if faults:
        return faults, []
    outer = []
    # The longer first, so that whatever covers another is there before it.
    for mutant in sorted(mutants, key=lambda each: (each.begin, -each.end, "MUTANT" not in each.replacement)):
        siblings = outer
        while siblings and siblings[-1].covers(mutant):
            holder = siblings[-1]
            if "MUTANT" in holder.replacement:
                faults.append(f"tests/mutants/{mutant.of}.py: {mutant.name} stands within "
                              f"{holder.name}, which says all of its text itself")
            siblings = holder.inner
        if siblings and siblings[-1].end > mutant.begin:
            faults.append(f"tests/mutants/{mutant.of}.py: {mutant.name} begins within {siblings[-1].name}")
        siblings.append(mutant)
    return faults, outer


def rewrite(text, mutants, begin=0, end=None):
    end = len(text) if end is None else end
    parts, at = [], begin
    for mutant in mutants:
        parts += [text[at:mutant.begin], mutant.code(rewrite(text, mutant.inner, mutant.begin, mutant.end))]
        at = mutant.end
    return "".join(parts) + text[at:end]


def by_file(lists):
    files = collections.defaultdict(list)
    for each in lists:
        for mutant in each.mutants:
            files[mutant.file].append(mutant)
    return files


def broken(lists):
    """({file: its text with the faults}, what is wrong with the lists)"""
    texts, faults = {}, []
    for file, mutants in by_file(lists).items():
        path = TOP / file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        found, outer = place(mutants, text)
        faults += found
        texts[file] = QUIET + rewrite(text, outer) if not found else text
    numbers = [mutant.number for each in lists for mutant in each.mutants]
    if len(set(numbers)) != len(numbers):
        faults.append("two faults of a list have one name")
    return texts, faults


def write(path, content):
    """Leaves a file that is so already, which then need not be compiled again."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def make_copy(texts):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP,
                            check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    wanted = {name for name in listed if name and (TOP / name).is_file()}
    for name in wanted:
        mode = (TOP / name).stat().st_mode
        write(COPY / name, texts[name].encode() if name in texts else (TOP / name).read_bytes())
        (COPY / name).chmod(mode)
    write(COPY / "rouse_mutant.hpp", HEADER.encode())
    # What has gone since the last time would still be compiled.
    for folder in ("core", "base", "proxy", "suspendd", "tests"):
        for path in (COPY / folder).rglob("*"):
            if path.is_file() and path.relative_to(COPY).as_posix() not in wanted:
                path.unlink()


def build(lists):
    programs = {program for each in lists for program, _ in each.tests}
    for command in (["cmake", "--preset", "dev"],
                    ["cmake", "--build", "--preset", "dev", "--target", *sorted(programs), "--", "-k", "0"]):
        made = subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode != 0:
            lines = made.stdout.splitlines()
            faults = [i for i, line in enumerate(lines) if "error:" in line]
            said = "\n".join("\n".join(lines[i:i + 2]) for i in faults) or made.stdout[-6000:]
            sys.exit(said + "\nThe code with the faults in it does not build; "
                     "is one of them neither a statement nor an expression?")


def run(of, number, program, wanted):
    """(whether the tests passed, what failed first)"""
    environment = {**os.environ, **of.environment}
    environment.pop("ROUSE_MUTANT", None)
    if number:
        environment["ROUSE_MUTANT"] = str(number)
    child = subprocess.Popen(
        [BUILD / program, f"--gtest_filter={wanted}", "--gtest_brief=1", *["--gtest_fail_fast"] * bool(number)],
        cwd=BUILD, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True)
    try:
        output = child.communicate(timeout=of.seconds)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        child.communicate()
        return False, "no end"
    failed = re.search(r"\[  FAILED  \] (\S+?)[,.]? ", output)
    if not number and child.returncode != 0:
        sys.exit(f"{output[-4000:]}\n{program} fails without any fault")
    if not number and "0 tests ran" in output:
        sys.exit(f"{program}: no test is named {wanted}")
    return child.returncode == 0, failed.group(1) if failed else "a crash"


def try_out(of, mutant):
    """By what it was caught; None: it survived."""
    for program, wanted in of.tests:
        passed, by = run(of, mutant.number, program, wanted)
        if not passed:
            return by
    return None


def folder_of(file):
    return "/".join(file.split("/")[:-1][:2])


def report(outcomes):
    """The exit status."""
    status = 0
    folders = collections.defaultdict(list)
    for mutant, by in outcomes:
        folders[folder_of(mutant.file)].append(by is not None)
        if by is None and not mutant.reason:
            print(f"{mutant.file}: {mutant.name}: no test notices it, and the list does not say why")
            status = 1
        if by is not None and mutant.reason:
            print(f"{mutant.file}: {mutant.name}: is caught; its reason can go")
    print()
    for folder, caught in sorted(folders.items()):
        percent = 100 * sum(caught) // len(caught)
        print(f"{folder:24} {sum(caught):4} of {len(caught):4} caught  {percent:3} %")
        if percent < ENOUGH:
            status = 1
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lists", nargs="*", metavar="LIST", help="a file of tests/mutants, without .py")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="so many at a time (2)")
    parser.add_argument("--only", metavar="WORDS", default="", help="only faults with this in their name")
    parser.add_argument("--check", action="store_true", help="only look whether every fault has its place")
    arguments = parser.parse_args()
    names = arguments.lists or sorted(path.stem for path in LISTS.glob("*.py"))
    lists = [List(LISTS / f"{name}.py") for name in names]
    texts, faults = broken(lists)
    if faults or arguments.check:
        print("\n".join(faults) or f"{sum(len(each.mutants) for each in lists)} faults have their place")
        return 1 if faults else 0
    make_copy(texts)
    began = time.monotonic()
    build(lists)
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for each in lists:
            for program, wanted in each.tests:
                run(each, 0, program, wanted)
        chosen = [(each, mutant) for each in lists for mutant in each.mutants if arguments.only in mutant.name]
        outcomes = []
        for (_, mutant), by in zip(chosen, pool.map(lambda pair: try_out(*pair), chosen)):
            print(f"{mutant.of:18} {mutant.name:56} {'caught by ' + by if by else 'SURVIVED'}", flush=True)
            outcomes.append((mutant, by))
    return report(outcomes)


if __name__ == "__main__":
    sys.exit(main())
