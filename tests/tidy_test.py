#!/usr/bin/env python3
"""Rules of the house that no compiler checks. Run from anywhere; exits 1 with a line per fault.

Errors: layering of includes, the one-co_await-per-statement rule (GCC 12 miscompiles the rest
silently), banned words, headers without #pragma once, tests that no folder builds, pipes in scripts
into a reader that may leave early.
Warnings: long files and functions.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("core", "base", "proxy", "suspendd", "tests", "bench")
SCRIPT_FOLDERS = (".ci", "scripts", "systemd", "tests", "bench", "deploy")
BUILT_TESTS = ("tests/core/", "tests/base/", "tests/proxy/", "tests/suspendd/", "tests/integration/")
OURS = ("core/", "base/", "proxy/", "suspendd/")
# What is independent of rouse on purpose, and so may use what rouse may not.
APART = ("tests/fake_engine/", "tests/support/", "tests/clients/", "bench/")
FILE_LINES_MAX = 400
LONG_FILES = {"proxy/config/schema.cpp": "one table, which is read as a whole"}
FUNCTION_LINES_MAX = 60

# The rooms of the house, from the ground up: a file includes its own room and those before it. A name
# with a dot is a single file that stands by itself among the folders.
CORE = ("core", "core/swap", "core/peer", "core/sleep")
BASE = CORE + ("base", "base/text", "base/yaml", "base/async", "base/process", "base/net", "base/service",
               "base/config", "base/cli", "base/tls", "base/http", "base/wake")
PROXY = BASE + ("proxy/wire", "proxy/telemetry/activity", "proxy/config", "proxy/access", "proxy/check",
                "proxy/logs", "proxy/engine", "proxy/admission", "proxy/capabilities", "proxy/telemetry/machine",
                "proxy/telemetry", "proxy/peers", "proxy/power", "proxy/routing", "proxy/proxy.hpp",
                "proxy/api", "proxy/request", "proxy", "proxy/cli", "proxy/main.cpp")
SUSPENDD = BASE + ("suspendd/text", "suspendd/bus", "suspendd/config", "suspendd/box", "suspendd/systemd",
                   "suspendd/gpu", "suspendd/checks", "suspendd/proxy", "suspendd/state",
                   "suspendd/report", "suspendd/relay", "suspendd", "suspendd/cli", "suspendd/main.cpp")
LAYERS = {"core": CORE, "base": BASE, "proxy": PROXY, "suspendd": SUSPENDD}
BEAST = re.compile(r"^base/(http/(head|body|gunzip)|boost_impl)\.cpp$")
BANNED = (
    (re.compile(r"\bdetached\b|\.detach\(\)"), "a TaskGroup owns every coroutine and thread"),
    (re.compile(r"\bstd::(recursive_|shared_)?mutex\b"), "there is one thread"),
    (re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b"), "wait for the event, not for time"),
    (re.compile(r"using namespace std;"), "name what you use"),
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "do it, or say it in an issue"),
    (re.compile(r"\bio_context::stop\b|context_?\.stop\(\)"), "join the tasks instead"),
    (re.compile(r"\bassert\("), "ROUSE_CHECK stays on in release builds"),
    (re.compile(r"\bGTEST_SKIP\b"), "ROUSE_SKIP (tests/support/skip.hpp) knows where nothing may be left out"),
)


def without_comments_and_strings(text):
    """The code with comments and literals blanked, line ends kept."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        lines = "\n" * match.group().count("\n")
        return lines if match.group().startswith("/") else '""' + lines

    return token.sub(blank, text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def includes(text):
    for match in re.finditer(r'^#include\s+([<"])([^>"]+)[>"]', text, re.M):
        yield line_of(text, match.start()), match.group(2), match.group(1) == '"'


def room_of(path, rooms):
    """The room of a file; None: it stands in none of them."""
    folder = path.rpartition("/")[0]
    return path if path in rooms else folder if folder in rooms else None


def check_rooms(path, text):
    rooms = LAYERS.get(path.partition("/")[0])
    if not rooms:
        return
    own = room_of(path, rooms)
    if not own:
        yield 1, "a new room: say in tests/tidy_test.py where it stands in the order"
        return
    for line, name, ours in includes(text):
        other = room_of(name, rooms) if ours else own
        if not other:
            yield line, f"{own} -> {name}: must not be included here"
        elif rooms.index(other) > rooms.index(own):
            yield line, f"{own} -> {other}: against the order of the rooms ({name})"


def check_includes(path, text):
    yield from check_rooms(path, text)
    for line, name, ours in includes(text):
        if path.startswith("core/") and not ours and ("/" in name or name.endswith(".h")):
            yield line, f"core/ uses the standard library only, not {name}"
        if name.startswith("boost/beast") and path.startswith(OURS) and not BEAST.match(path):
            yield line, "Beast is seen behind base/http/stream.hpp only"
        if name == "simdjson.h" and path.startswith(("base/", "core/")):
            yield line, "JSON is read in the programs only"
        if path.startswith("proxy/wire/") and name.startswith("boost/asio"):
            yield line, "proxy/wire/ is pure text"


def statements(code):
    """(position, text) of the statements that hold a co_await, up to their ';' or '{' of a block."""
    for match in re.finditer(r"[^;{}]*\bco_await\b", code):
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        depth = 0
        end = code.index("co_await", start)
        for end in range(end, len(code)):
            c = code[end]
            if c in "([":
                depth += 1
            elif c in ")]":
                depth -= 1
                if depth < 0:
                    break
            elif c == ";" and depth == 0:
                break
            elif c == "{" and depth == 0:
                break
        yield start, code[start:end]


def check_coroutines(path, code):
    for at, text in statements(code):
        line = line_of(code, at)
        awaited = text[text.index("co_await"):]
        if text.count("co_await") > 1 and not re.match(r"\s*co_return\b", text):
            yield line, "one co_await per statement"
        if "{" in awaited:
            yield line, "no braces after co_await: name the value first"
        if re.search(r"[^?]\?[^?]", awaited):
            yield line, "no ?: after co_await: name the value first"
        if re.search(r"\[[^\]&]*[\w=][^\]&]*\]\s*[({]", awaited) and "[&" not in awaited:
            if re.search(r"\[(=|\w+(,|\]|\s*=))", awaited) and re.search(r"\]\s*\(.*\)\s*(->|$)", awaited):
                yield line, "no capturing lambda after co_await: name it first"
        if re.search(r"switch\s*\(\s*co_await", text):
            yield line, "never switch (co_await …)"


def check_words(path, text, code):
    apart = path.startswith(APART)
    for pattern, why in BANNED:
        if apart and ("TaskGroup" in why or "one thread" in why or "event" in why or "ROUSE_CHECK" in why):
            continue
        if path.startswith("tests/") and "event" not in why and "ROUSE_CHECK" in why:
            continue
        if path == "tests/support/skip.hpp" and "ROUSE_SKIP" in why:
            continue
        source = text if "issue" in why else code
        for match in pattern.finditer(source):
            yield line_of(source, match.start()), f"{match.group()}: {why}"


def check_documents(text):
    """A comment leads to a document that whoever reads it can open."""
    for match in re.finditer(r"\b[\w./-]+\.md\b", text):
        if not (TOP / match.group()).is_file() and not match.group().endswith("CGROUP_DELEGATION.md"):
            yield line_of(text, match.start()), f"{match.group()} is not in the repository"


def check_map(text):
    """ARCHITECTURE.md shows every room."""
    for room in {room for rooms in LAYERS.values() for room in rooms if "/" in room and "." not in room}:
        if not re.search(rf"`([\w/]*/)?{room.rpartition('/')[2]}`", text):
            yield f"ARCHITECTURE.md: {room} is not on the map"


def check_shape(path, text):
    if path.endswith(".hpp") and "#pragma once" not in text:
        yield 1, "a header begins with #pragma once"
    if path.endswith("_test.cpp") and not path.startswith(BUILT_TESTS):
        yield 1, "no test program builds this folder"


def function_lengths(code):
    """(line, length) of function bodies, judged by indentation: ours are formatted."""
    lines = code.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"^\S.*\)[^;]*\{$|^\S.*\{$", line) and not re.match(
                r"^(namespace|class|struct|enum|union|extern|constexpr|const)\b", line):
            start = number
        elif start is not None and line.startswith("}"):
            yield start, number - start + 1
            start = None


# Files that are never compiled together with others: cmake/toolbox.cmake, rouse_unity_alone.
ALONE = re.compile(r"/(tcp_delivery|socket_diag|schema|metrics_catalogue|main)\.cpp$")


def end_of_block(code, start):
    """Where the block ends that is open at start."""
    depth = 1
    for match in re.finditer(r"[{}]", code[start:]):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return start + match.start()
    return len(code)


def local_names(code):
    """(line, name) of what an anonymous namespace defines; of a function with the types it takes."""
    for space in re.finditer(r"^namespace \{\n", code, re.M):
        first = line_of(code, space.end())
        body = code[space.end():end_of_block(code, space.end())]
        for match in re.finditer(r"^(?:inline )?constexpr [^\n;{=(]*?\b(k\w+)|^(?:class|struct|enum class) (\w+)[^\n;]*\{",
                                 body, re.M):
            yield first + line_of(body, match.start()) - 1, match.group(1) or match.group(2)
        for match in re.finditer(r"^[A-Za-z][^\n;{}=]*?\b(\w+)\(([^;{}]*?)\)[^;{}()]*\{", body, re.M):
            types = re.sub(r"\s+", " ", re.sub(r"\s*\b\w+\s*(=[^,]*)?(?=,|$)", "", match.group(2)))
            yield first + line_of(body, match.start()) - 1, f"{match.group(1)}({types})"


def check_local_names(texts):
    """{path: text}: one layer's files are compiled together (ROUSE_UNITY), so their names differ."""
    seen = {}
    for path, text in sorted(texts.items()):
        if not path.startswith(OURS) or not path.endswith(".cpp") or ALONE.search(path):
            continue
        layer = path.partition("/")[0]
        for line, name in local_names(without_comments_and_strings(text)):
            other = seen.setdefault((layer, name), path)
            if other != path:
                yield path, line, f"{name} has the name of one in {other}, of the same layer"


# `yes | grep -q y` kills yes, and with pipefail, which the script or its reader may have, that is a failure
# of the whole: now and then.
EARLY_READER = re.compile(
    r"\|\s*(?:grep\b[^|\n]*\s(?:-\w*q\b|-\w*q\w*\s|--quiet|-m)|head\b|sed\s+(?:-n\s+)?'?[0-9]*q)")


def is_script(path, text):
    return path.endswith(".sh") or path.startswith("systemd/deb/") or re.match(r"#!.*\b(ba)?sh\b", text)


def check_script(text):
    for match in EARLY_READER.finditer(text):
        yield line_of(text, match.start()), f"{match.group()}: read what a command says to its end"


def check_file(path, text):
    """(errors, warnings) of one file, each a list of (line, text)."""
    code = without_comments_and_strings(text)
    errors = [*check_includes(path, text), *check_coroutines(path, code),
              *check_words(path, text, code), *check_shape(path, text), *check_documents(text)]
    warnings = []
    if path.startswith(OURS):
        length = text.count("\n")
        if length > FILE_LINES_MAX and path not in LONG_FILES:
            errors.append((1, f"{length} lines: is it still one noun?"))
        warnings += [(line, f"a function of {length} lines")
                     for line, length in function_lengths(code) if length > FUNCTION_LINES_MAX]
    return errors, warnings


SCRIPT_SELF_TESTS = ("a | grep -q b", "a |grep -iq b", "a | grep -e b -q", "a | head -1", "a |\n  head", "a | sed 1q")


SELF_TESTS = (  # (path, text, part of the error that must be found)
    ("core/a.cpp", '#include "base/b.hpp"\n', "must not be included"),
    ("suspendd/a.cpp", '#include "proxy/b.hpp"\n', "must not be included"),
    ("core/swap/a.cpp", '#include "core/sleep/b.hpp"\n', "core/swap -> core/sleep: against the order"),
    ("proxy/api/a.cpp", '#include "proxy/app.hpp"\n', "proxy/api -> proxy: against"),
    ("proxy/power/a.cpp", '#include "proxy/proxy.hpp"\n', "proxy/power -> proxy/proxy.hpp: against"),
    ("proxy/attic/a.cpp", "", "a new room"),
    ("core/a.cpp", "#include <boost/asio.hpp>\n", "standard library only"),
    ("base/a.cpp", '#include "proxy/b.hpp"\n', "must not be included"),
    ("proxy/a.cpp", "#include <boost/beast/http.hpp>\n", "Beast"),
    ("base/a.cpp", "#include <simdjson.h>\n", "JSON"),
    ("proxy/wire/a.cpp", "#include <boost/asio/post.hpp>\n", "pure text"),
    ("proxy/a.cpp", "void f() { x = co_await a() + co_await b(); }\n", "one co_await"),
    ("proxy/a.cpp", "void f() { co_await g(A{1, 2}); }\n", "no braces"),
    ("proxy/a.cpp", "void f() { co_await g(c ? a : b); }\n", "no ?:"),
    ("proxy/a.cpp", "void f() { co_await g([s]() -> int { return s; }); }\n", ""),
    ("proxy/a.cpp", "void f() { switch (co_await g()) { case 1: break; } }\n", "never switch"),
    ("proxy/a.cpp", "co_spawn(e, f(), detached);\n", "TaskGroup"),
    ("proxy/a.cpp", "std::mutex m;\n", "one thread"),
    ("proxy/a.cpp", "std::this_thread::sleep_for(1s);\n", "wait for the event"),
    ("proxy/a.cpp", "// TODO: later\n", "in an issue"),
    ("proxy/a.hpp", "int f();\n", "#pragma once"),
    ("proxy/a.cpp", "// see attic.md\n", "not in the repository"),
    ("core/a.cpp", "\n" * 401, "still one noun"),
    ("tests/elsewhere/a_test.cpp", "\n", "no test program"),
)


def self_test():
    faults = []
    for path, text, wanted in SELF_TESTS:
        errors, _ = check_file(path, text)
        if not any(wanted in error for _, error in errors):
            faults.append(f"tidy_test: this went unnoticed: {text.strip()}")
    faults += [f"tidy_test: this went unnoticed: {text}" for text in SCRIPT_SELF_TESTS if not list(check_script(text))]
    faults += [f"tidy_test: false alarm: {text}" for _, text in check_script("grep -q a b; a | grep b; head -1 c")]
    if len(list(check_map("`core/swap`, `peer`"))) != len(list(check_map(""))) - 2:
        faults.append("tidy_test: a map with two rooms lacks other rooms than it should")
    clean, _ = check_file("proxy/a.cpp", "Task<int> f() {\n  const auto r = co_await g(std::move(a), b);\n"
                                         "  if (!r) co_return r.error();\n  co_return *r;\n}\n")
    faults += [f"tidy_test: false alarm: {text}" for _, text in clean]
    twin = ("namespace {\n\nconstexpr int kMost = 3;\n\nint first() {\n  return 1;\n}\n\n"
            "int to(const A& a) {\n  return 1;\n}\n\n}\n").replace("first()", "NAME()")
    overload = "namespace {\n\nint to(B b) {\n  return 1;\n}\n\n}\n"
    found = list(check_local_names({"proxy/a.cpp": twin.replace("NAME", "a"), "proxy/b.cpp": twin.replace("NAME", "b"),
                                    "proxy/c.cpp": overload,
                                    "base/a.cpp": twin,
                                    "proxy/api/d.cpp": overload.replace("B b", "C c")}))
    if [path for path, _, _ in found] != ["proxy/b.cpp"] * 2:
        faults.append(f"tidy_test: these should be two names of proxy/b.cpp: {found}")
    return faults


def main():
    faults = self_test()
    warnings = []
    texts = {}
    for folder in FOLDERS:
        for file in sorted((TOP / folder).rglob("*.[ch]pp")):
            path = file.relative_to(TOP).as_posix()
            if "node_modules" in path:
                continue
            texts[path] = file.read_text(encoding="utf-8")
            errors, notes = check_file(path, texts[path])
            faults += [f"{path}:{line}: {text}" for line, text in errors]
            warnings += [f"{path}:{line}: warning: {text}" for line, text in notes]
    faults += [f"{path}:{line}: {text}" for path, line, text in check_local_names(texts)]
    faults += check_map((TOP / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    for folder in SCRIPT_FOLDERS:
        for file in sorted((TOP / folder).rglob("*")):
            if "node_modules" in file.parts or not file.is_file() or file.suffix not in ("", ".sh"):
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            path = file.relative_to(TOP).as_posix()
            if is_script(path, text):
                faults += [f"{path}:{line}: {text}" for line, text in check_script(text)]
    print("\n".join(warnings + faults))
    print(f"tidy: {len(faults)} errors, {len(warnings)} warnings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
