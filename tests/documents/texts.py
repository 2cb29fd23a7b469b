"""What our documents and programs print for a person to read and to paste.

    tests/documents/texts.py DOCUMENT HEADING     prints the block below that heading, for other tests
"""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# Those of data that others wrote.
NOT_OURS = re.compile(r"^tests/data/|node_modules/|^build/")
SOURCES = ("base", "core", "proxy", "suspendd")


class Block:
    """A fenced block: where it stands, its language, its lines."""

    def __init__(self, document, heading, language, line):
        self.document = document
        self.heading = heading
        self.language = language
        self.line = line
        self.text = ""

    @property
    def key(self):
        return self.document, self.heading, self.language

    @property
    def where(self):
        return f"{self.document}:{self.line}"

    def commands(self):
        """Its command lines, without comments; one that goes on after a backslash is one."""
        joined = re.sub(r"\\\n\s*", " ", self.text)
        lines = (re.sub(r"(^|\s+)#\s.*$", "", line).strip() for line in joined.splitlines())
        return [line for line in lines if line]


def files(*patterns):
    """What git knows, or would take: as paths from the top."""
    known = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "--cached", "--others",
                            "--exclude-standard", "--", *patterns], capture_output=True, text=True, check=False)
    if known.returncode == 0:
        found = known.stdout.splitlines()
    else:  # a tree without git
        found = [file.relative_to(TOP).as_posix() for pattern in patterns for file in TOP.rglob(pattern)]
    return sorted({path for path in found if not NOT_OURS.search(path) and (TOP / path).is_file()})


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def documents():
    return files("*.md")


def blocks(document):
    heading = ""
    open_block = None
    before = ""
    in_list = False
    for number, line in enumerate(read(document).splitlines(), 1):
        fence = re.match(r"\s*(```|~~~)\s*(\S*)", line)
        if open_block is not None:
            if fence:
                yield open_block
                open_block = None
            else:
                open_block.text += line + "\n"
        elif fence:
            open_block = Block(document, heading, fence.group(2), number)
        elif re.match(r" {4,}\S", line) and not before and not re.match(r"\s*([-*]|\d+\.) ", line) and not in_list:
            raise SystemExit(f"{document}:{number}: put a block between ``` lines, so that something runs it")
        elif re.match(r"#+ ", line):
            heading = line.lstrip("#").strip()
        in_list = bool(re.match(r"\s*([-*]|\d+\.) ", line)) or (in_list and (not line or line.startswith(" ")))
        before = line
    if open_block is not None:
        raise SystemExit(f"{open_block.where}: this block does not end")


def without_blocks(text):
    """The same lines, those of blocks blank."""
    return re.sub(r"(?ms)^\s*(```|~~~).*?^\s*\1[^\n]*$", lambda found: "\n" * found.group().count("\n"), text)


def spans(text):
    """(line, text) of what stands in backticks."""
    for found in re.finditer(r"`([^`]+)`", text):
        yield text.count("\n", 0, found.start()) + 1, " ".join(found.group(1).split())


def comments(path, mark="#"):
    """The comments of a file as one text, with its lines kept."""
    lines = []
    for line in read(path).splitlines():
        found = re.search(rf"(?:^|\s){mark}(?:$|[ !:].*$)", line)
        lines.append(found.group().strip().removeprefix(mark) if found else "")
    return "\n".join(lines)


def string_literals(path):
    """(line, text) of the texts of a C++ file; neighbours are one, as to the compiler."""
    source = read(path)
    token = r'"((?:\\.|[^"\\\n])*)"'
    code = re.sub(r"(?m)//[^\n]*$", lambda found: "" if '"' not in found.group() else found.group(), source)
    code = re.sub(r"(?m)^\s*//[^\n]*$", "", code)
    for run in re.finditer(rf"{token}(?:\s*{token})*", code):
        parts = re.findall(token, run.group())
        text = "".join(parts).replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
        yield code.count("\n", 0, run.start()) + 1, text


def main():
    document, heading = sys.argv[1:]
    found = [block.text for block in blocks(document) if block.heading == heading]
    if len(found) != 1:
        raise SystemExit(f"texts.py: {len(found)} blocks below \"{heading}\" in {document}, not one")
    print(found[0], end="")


if __name__ == "__main__":
    main()
