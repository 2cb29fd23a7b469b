#!/usr/bin/env python3
"""Whatever a document or a program of ours prints for a person to paste is run here, as it stands:

    tests/documents_test.py BUILD

Blocks of every document (BLOCKS says how each is run: one that it does not know is a fault), commands in
its sentences, in comments of the files that people edit, and in what the programs say (--help, advice,
errors). It happens in a machine of its own (documents/world.py), so with the usual paths and ports.
Without namespaces it is left out: exit status 77, but 1 where CI=true.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/documents"))
# pylint: disable=wrong-import-position
import stories  # noqa: E402
import texts  # noqa: E402
import world as worlds  # noqa: E402
from commands import Judge, METHODS, looks_like_a_command  # noqa: E402

# The files that people edit or read beside the documents.
COMMENTED = ("*.example.yaml", "systemd/*.service", "systemd/*.conf", "systemd/*.link", "systemd/etc/*",
             "deploy/kubernetes/*", "deploy/prometheus/*.yaml")


class Faults:
    """What was found, and how much was looked at: nothing to look at is a fault, too."""

    def __init__(self):
        self.found = []
        self.looked = {}

    def add(self, where, text):
        self.found.append(f"{where}: {text}")

    def count(self, kind):
        self.looked[kind] = self.looked.get(kind, 0) + 1


def check_blocks(faults, machine):
    """Every block by its entry of BLOCKS, in the order in which a reader meets them."""
    left = dict(stories.BLOCKS)
    for document in texts.documents():
        for block in texts.blocks(document):
            faults.count("blocks")
            how = stories.BLOCKS.get(block.key)
            if how is None:
                faults.add(block.where, f"nothing runs this block: stories.BLOCKS has no {block.key}")
                continue
            left.pop(block.key, None)
            for fault in how(machine, block) or ():
                faults.add(block.where, fault)
    for key in left:
        faults.add("stories.BLOCKS", f"there is no such block any more: {key}")


def check_spans(faults, judge, where, text):
    for line, span in texts.spans(text):
        method = span.partition(" ")[0]
        if method in METHODS:
            faults.count("routes")
            path, _, body = span.removeprefix(method).strip().partition(" ")
            fault = judge.route(method, path, body.replace("…", "7c:3f:12:34:56") or None)
        elif looks_like_a_command(span):
            faults.count("commands")
            fault = judge.judge(span)
        else:
            continue
        if fault:
            faults.add(f"{where}:{line}", f"`{span}`: {fault}")


def check_documents(faults, judge):
    for document in texts.documents():
        check_spans(faults, judge, document, texts.without_blocks(texts.read(document)))


def check_table_of_routes(faults, judge):
    """A cell with `POST /a`, `/b`: what follows has the same method."""
    for number, line in enumerate(texts.read("README.md").splitlines(), 1):
        cell = re.match(r"\|\s*(`(?:(?:GET|POST|PUT) )?/.*?)\s*\|", line)
        if not cell:
            continue
        method = "GET"
        for span in re.findall(r"`([^`]+)`", cell.group(1).replace("\\|", "|")):
            words = span.split(" ")
            method = words[0] if words[0] in METHODS else method
            for path in routes_of(words[-1]):
                faults.count("routes of the table")
                fault = judge.route(method, path)
                if fault:
                    faults.add(f"README.md:{number}", f"`{span}`: {fault}")


def routes_of(path):
    """`/a[/b|/c]` is /a, /a/b and /a/c."""
    found = re.fullmatch(r"(.*?)\[(.*)\]", path)
    if not found:
        return [path.rstrip(",")]
    return [found.group(1), *(found.group(1) + tail for tail in found.group(2).split("|"))]


def check_comments(faults, judge):
    for path in texts.files(*COMMENTED):
        text = texts.comments(path, "//" if path.endswith(".rules") else "#")
        check_spans(faults, judge, path, text)
        # A line of its own in a comment, indented like a block.
        for number, line in enumerate(text.splitlines(), 1):
            command = re.match(r"\s{2,}((?:rouse|rouse-suspendd|systemctl|curl|scripts/\w+|cmake|cpack|apt|sudo|podman|docker|kubectl)"
                               r"(?: .*?)?)(?:\s{2,}.*)?$", line)
            if command:
                faults.count("commands")
                fault = judge.judge(command.group(1))
                if fault:
                    faults.add(f"{path}:{number}", f"{command.group(1)}: {fault}")


def check_programs(faults, judge):
    """What the programs say: commands in backticks, and ours wherever they are named."""
    for path in texts.files(*(f"{folder}/**.cpp" for folder in texts.SOURCES)):
        for number, text in texts.string_literals(path):
            check_spans(faults, judge, f"{path}:{number}", text)
            # Advice that is a command as a whole.
            if re.match(r"(?:apt|ethtool|modprobe|nmcli|sudo|systemctl|udevadm) \S", text):
                faults.count("commands")
                fault = judge.judge(text)
                if fault:
                    faults.add(f"{path}:{number}", f"{text}: {fault}")
            bare = re.sub(r"`[^`]*`", "", text)
            for program, word in re.findall(r"(?:^|[\s(])(rouse-suspendd|rouse) ((?:[a-z]+-)?[a-z]+)\b(?= --|[ ,;.)]|$)", bare):
                if f"run {program} {word}" in text or f"see {program} {word}" in text:
                    faults.count("commands")
                    fault = judge.judge(f"{program} {word}")
                    if fault:
                        faults.add(f"{path}:{number}", f"{program} {word}: {fault}")


def check_helps(faults, judge):
    """--help of every command ends well, and names no command that is none."""
    for program in ("rouse", "rouse-suspendd"):
        names = judge.commands_of(program)
        if len(names) < 5:
            faults.add(f"{program} --help", f"names {sorted(names)} only")
        for words in [(program,), *((program, name) for name in sorted(names))]:
            faults.count("help texts")
            said = judge.help(*words)
            if not said:
                faults.add(" ".join(words) + " --help", f"ends with {judge.world.run(' '.join(words) + ' --help')}")
            check_spans(faults, judge, " ".join(words) + " --help", said)


def self_test(faults, judge):
    """Texts with a fault that must be found, and some without."""
    for bad in ("rouse statu", "rouse status --wach", "rouse-suspendd explane", "scripts/rum", "systemctl reload rous",
                "cmake --preset relase", "apt install polkit", "frobnicate the box", "rouse status --watch | rouse chek",
                "curl http://127.0.0.1:8080/nope", "systemctl reload rouse-suspendd-gate"):
        if not judge.judge(bad):
            faults.add("documents_test", f"this went unnoticed: {bad}")
    for good in ("rouse status --watch", "rouse-suspendd run-held -- make bench", "systemctl reload rouse",
                 "curl http://127.0.0.1:8080/v1/models", "rouse schema > config.schema.json"):
        said = judge.judge(good)
        if said:
            faults.add("documents_test", f"false alarm: {good}: {said}")
    if not judge.route("GET", "/v1/nothing") or judge.route("GET", "/v1/models"):
        faults.add("documents_test", "routes are not told apart")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    missing = [name for name in ("rouse", "rouse-suspendd", "fake_engine", "fake_logind") if not (build / name).exists()]
    if missing:
        raise SystemExit(f"documents_test: build these first: {missing}")
    worlds.enter()
    faults = Faults()
    machine = stories.Machine(worlds.World(TOP, build))
    judge = Judge(machine.world)
    try:
        machine.prepare()
        check_blocks(faults, machine)
        self_test(faults, judge)
        check_documents(faults, judge)
        check_table_of_routes(faults, judge)
        check_comments(faults, judge)
        stories.check_examples(faults, machine)
        check_programs(faults, judge)
        check_helps(faults, judge)
    except stories.Broken as broken:
        faults.add("the world of this test", str(broken))
    finally:
        machine.world.stop(lambda fault: faults.add("the end", fault))
    print("\n".join(faults.found))
    print(f"documents: {len(faults.found)} faults in "
          + ", ".join(f"{number} {kind}" for kind, number in faults.looked.items()))
    return 1 if faults.found else 0


if __name__ == "__main__":
    sys.exit(main())
