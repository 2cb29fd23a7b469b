#!/usr/bin/env python3
"""Shows that the simulator can fail: breaks the scheduler in one place at a time and expects it to.

usage: tests/core/swap/mutate_scheduler.py [name ...]

Each mutation replaces one text in a copy of core/, builds the simulator against it and runs it. A
mutation that survives is a promise nobody checks. Not part of ctest (about a minute on two cores); run it
when the scheduler or its simulator changes. Exit status 1 if any mutation survives.
"""

import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["circuit", "describe", "scheduler", "scheduler_events", "scheduler_view", "swap",
           "wait_queue"]
COMPILE = ["clang++", "-std=c++20", "-O1", "-w", "-I."]

# name, file, what is there, what is put in its place
MUTATIONS = [
    ("cuts running requests at a reload", "scheduler.cpp",
     "!engine.outdated || engine.running > 0) continue;", "!engine.outdated) continue;"),
    ("never stops what a reload changed", "scheduler.cpp",
     "    finish_outdated(out);\n", ""),
    ("admits newcomers to an old launch", "engine_record.hpp",
     "!outdated && ", ""),
    ("admits the waiting to an old launch", "scheduler.cpp",
     "engine.unload_by || engine.outdated || shutdown_by", "engine.unload_by || shutdown_by"),
    ("lets an old launch finish loading", "scheduler_events.cpp",
     "if (engine.state == EngineState::Starting) stop_outdated(engine, out);", ""),
    ("does not notice that an old launch is idle", "scheduler_events.cpp",
     "engine.unload_by || engine.outdated || shutdown_by", "engine.unload_by || shutdown_by"),
    ("keeps the circuit of a changed launch", "scheduler_events.cpp",
     "engine.circuit.close();  // whoever changed", "// whoever changed"),
    ("evicts a busy engine", "swap.cpp",
     "if (engine.running > 0) return Instant::max();", ""),
    ("never keeps newcomers out", "swap.cpp",
     "victim.barrier = candidate.order;", ""),
    ("starts before the evicted is gone", "swap.cpp",
     "if (occupied.size() > present.size() &&", "if (false &&"),
    ("does not reserve room", "swap.cpp",
     "  if (all_available) engine.hold = {Hold::Kind::Leaving, eviction.evict, Instant::max()};\n"
     "  reserved.insert(engine.id);", ""),
    ("youngest goes first", "swap.cpp",
     "return key(a) < key(b);", "return key(b) < key(a);"),
    ("nobody is ever overdue", "swap.cpp",
     "since <= overdue()});", "false});"),
    ("forgets to wake for max_wait", "swap.cpp",
     "wake_at(after(candidate.since, policy.max_wait));", ""),
    ("forgets to wake for linger", "swap.cpp",
     "    wake_at(all_at);\n", ""),
    ("ignores min_residency", "swap.cpp",
     "after(engine.since, policy.min_residency)", "now"),
    ("ignores linger", "swap.cpp",
     "after(engine.last_used, policy.linger)", "now"),
    ("abandons at once", "swap.cpp",
     "after(engine.unwanted_since, policy.abandon_grace)", "now"),
    ("abandons what somebody waits for", "swap.cpp",
     "if (engine.is_wanted()) return Instant::max();", ""),
    ("ignores the pause after a failure", "swap.cpp",
     "now < retry) {", "false) {"),
    ("concurrency off by one", "engine_record.hpp",
     "running < std::max(1, policy.concurrency)", "running <= std::max(1, policy.concurrency)"),
    ("newcomers ignore the barrier", "engine_record.hpp",
     "state == EngineState::Ready && !barrier && ", "state == EngineState::Ready && "),
    ("admits to a loading engine", "engine_record.hpp",
     "return state == EngineState::Ready && !barrier", "return is_resident() && !barrier"),
    ("admits to an unloading engine", "engine_record.hpp",
     "!barrier && !unload_by &&", "!barrier &&"),
    ("the waiting ignore the barrier", "scheduler.cpp",
     "if (engine.barrier && waiter.order >= *engine.barrier) return;", ""),
    ("a slot is not passed on", "scheduler_events.cpp",
     "  admit_waiting(engine, out);\n  if (engine.running > 0) return;",
     "  if (engine.running > 0) return;"),
    ("a left slot stays taken", "scheduler_events.cpp",
     "  --engine.running;", ""),
    ("requests of a dead engine count for the new one", "scheduler_events.cpp",
     "  engine.running = 0;\n", ""),
    ("a dead engine's requests free slots of the new one", "scheduler_events.cpp",
     "if (entry.run != engine.run) return;", ""),
    ("nobody is served by the load made for them", "scheduler_events.cpp",
     "  engine.barrier.reset();\n  admit_waiting(engine, out);\n  unsettled = true;",
     "  unsettled = true;"),
    ("idle ends are not noticed", "scheduler_events.cpp",
     "if (waiting + wishes > 0 || engine.unload_by || shutdown_by) {", "if (false) {"),
    ("those whose load failed wait on", "scheduler_events.cpp",
     "  refuse_all(engine,\n             Refuse{Ticket{}, RefusalCause::LoadFailed",
     "  if (false) refuse_all(engine,\n             Refuse{Ticket{}, RefusalCause::LoadFailed"),
    ("ttl while serving", "scheduler.cpp",
     "if (engine.running > 0 || engine.is_wanted()) continue;", ""),
    ("ttl is not armed", "scheduler_events.cpp",
     "wake_at(after(now, engine.policy.ttl));", ""),
    ("give_up refuses the wrong one", "scheduler.cpp",
     "const Waiter& oldest = engine.waiting.oldest();",
     "const Waiter& oldest = engine.waiting.highest();"),
    ("shutdown cuts off the busy", "scheduler.cpp",
     "if (engine.running == 0 || now >= by) {", "if (true) {"),
    ("shutdown waits for ever", "scheduler.cpp",
     "    } else {\n      wake_at(by);\n    }", "    }"),
    ("the queue has no limit", "scheduler_events.cpp",
     "if (waiting >= policy.queue_max) {", "if (false) {"),
    ("back-off does not double", "circuit.cpp",
     "pause > longest / 2 ? longest : pause * 2", "pause"),
    ("the circuit opens early", "circuit.cpp",
     "failures_ >= policy.load_failures_max", "failures_ >= 1"),
    ("priority starves", "wait_queue.cpp",
     "return oldest().since <= overdue ? oldest() : highest();", "return highest();"),
    ("a leaver stays in the turn order", "wait_queue.cpp",
     "  by_turn_.erase(turn(it->second));\n", ""),
]


def run(command, folder, **options):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **options)


def copy_tree(folder):
    shutil.copytree(ROOT / "core", folder / "core")
    (folder / "tests/core").mkdir(parents=True)
    for path in (ROOT / "tests/core").glob("*"):
        if path.suffix in (".hpp", ".cpp"):
            shutil.copy(path, folder / "tests/core")


def build_base(folder):
    """Objects of the unbroken sources and of the simulator: a mutation recompiles what it touches."""
    copy_tree(folder)
    units = [f"core/{name}.cpp" for name in SOURCES] + ["tests/core/swap/scheduler_sim_test.cpp"]
    for unit in units:
        built = run(COMPILE + ["-c", unit, "-o", pathlib.Path(unit).stem + ".o"], folder)
        if built.returncode != 0:
            sys.exit(f"{unit} does not compile:\n{built.stdout}")


def simulate(folder):
    objects = sorted(path.name for path in folder.glob("*.o"))
    linked = run(["clang++", *objects, "-lgmock_main", "-lgmock", "-lgtest", "-lpthread",
                  "-o", "sim"], folder)
    if linked.returncode != 0:
        sys.exit(f"the simulator does not link:\n{linked.stdout}")
    try:
        return run(["./sim", "--gtest_brief=1", "--gtest_fail_fast"], folder, timeout=60)
    except subprocess.TimeoutExpired:
        return None  # it never came to rest, which is a failure too


def kill(base, mutation):
    name, file, old, new = mutation
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path) / "tree"
        shutil.copytree(base, folder)
        target = folder / "core" / file
        text = target.read_text()
        if text.count(old) != 1:
            return name, f"STALE: found {text.count(old)} times, not once"
        target.write_text(text.replace(old, new))
        touched = SOURCES if file.endswith(".hpp") else [target.stem]
        for source in touched:
            built = run(COMPILE + ["-c", f"core/{source}.cpp", "-o", f"{source}.o"], folder)
            if built.returncode != 0:
                return name, "STALE: does not compile\n" + built.stdout
        result = simulate(folder)
        if result is None:
            return name, "killed (no end)"
        if result.returncode == 0:
            return name, "SURVIVED"
        return name, "killed: " + first_failure(result.stdout)[:120]


def first_failure(output):
    """What the first failed check said, on one line."""
    lines = output.splitlines()
    starts = [i for i, line in enumerate(lines) if line.endswith(": Failure")]
    if not starts:
        return "crashed"
    said = []
    for line in lines[starts[0] + 1:]:
        if line.startswith(("Google Test trace", "[", "./tests/", "tests/")):
            break
        said.append(line.strip())
    return "; ".join(reversed(said))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only mutations whose name contains one of these")
    parser.add_argument("-j", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [m for m in MUTATIONS
              if not arguments.names or any(part in m[0] for part in arguments.names)]
    with tempfile.TemporaryDirectory() as path:
        base = pathlib.Path(path) / "base"
        base.mkdir()
        build_base(base)
        sound = simulate(base)
        if sound is None or sound.returncode != 0:
            sys.exit("the simulator fails without any mutation")
        with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
            results = list(pool.map(lambda mutation: kill(base, mutation), chosen))
    for name, outcome in results:
        print(f"{name:52} {outcome}")
    killed = sum(outcome.startswith("killed") for _, outcome in results)
    print(f"{killed} of {len(results)} killed")
    return 0 if killed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
