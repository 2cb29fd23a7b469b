#!/usr/bin/env python3
"""Shows that the tests of the suspend policy can fail: breaks it in one place at a time.

usage: tests/core/sleep/mutate_policy.py [-j N] [name ...]

Each mutation replaces one text in a copy of core/, builds the tests and the simulators against it and
runs them. A mutation that survives is a promise nobody checks. Not part of ctest (some minutes); run
it when the policy or its tests change. Exit status 1 if any mutation survives.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
POLICY = ["suspend_attempt", "suspend_block", "suspend_checks", "suspend_events", "suspend_foreign", "suspend_hooks",
          "suspend_policy", "suspend_resume", "suspend_view", "suspend_wakes", "suspend_words"]
OTHERS = ["describe", "power_lease", "peer_state"]
COMPILE = ["clang++", "-std=c++20", "-O1", "-w", "-I."]
ENVIRONMENT = {**os.environ, "SUSPEND_SIM_CYCLES": "3000"}

# name, file, what is there, what is put in its place
MUTATIONS = [
    ("an unknown check is no reason", "suspend_checks.cpp",
     "for (const Verdict wanted : {Verdict::Active, Verdict::Unknown}) {",
     "for (const Verdict wanted : {Verdict::Active}) {"),
    ("old looks count for ever", "suspend_checks.cpp",
     "now < after(*entry.looked, entry.settings.stale)", "true"),
    ("a check that was left out passes", "suspend_checks.cpp",
     "      turn(entry, Verdict::Unknown, \"did not look again when it was asked to\", now);\n", ""),
    ("findings of before a sleep count", "suspend_checks.cpp",
     "    turn(entry, Verdict::Unknown, \"has not looked since the machine woke\", now);\n", ""),
    ("use between two looks is not seen", "suspend_checks.cpp",
     "finding.idle_for > Duration{0} ? now - finding.idle_for", "false ? now"),
    ("the alert is repeated", "suspend_checks.cpp", "    entry.alerted = true;\n", ""),
    ("ignores holds", "suspend_policy.cpp",
     "if (!memory.holds.empty()) {", "if (false) {"),
    ("holds never end", "suspend_policy.cpp",
     "return hold.until && now.boottime >= *hold.until;", "return false;"),
    ("the end of a hold is no use", "suspend_policy.cpp",
     "memory.holds.erase(kept, memory.holds.end());\n    idle_floor = now.monotonic;",
     "memory.holds.erase(kept, memory.holds.end());"),
    ("ignores the minimum uptime", "suspend_policy.cpp", "now.boottime < up", "false"),
    ("ignores the back-off", "suspend_policy.cpp",
     "if (memory.retry_at && now.boottime < *memory.retry_at) {", "if (false) {"),
    ("ignores the pause after a silent proxy", "suspend_policy.cpp",
     "if (now.monotonic < pause_until)", "if (false)"),
    ("sleeps just before a wake-up", "suspend_policy.cpp",
     "if (left < settings.min_sleep) {", "if (false) {"),
    ("sleeps while the proxy is owed a word", "suspend_policy.cpp", "  if (telling) {", "  if (false) {"),
    ("sleeps while a hook runs", "suspend_policy.cpp",
     "if (run.hook == Hook::PostResume) {", "if (false) {"),
    ("a dry run is not dry", "suspend_policy.cpp", "if (settings.dry_run) {", "if (false) {"),
    ("needs no agreement", "suspend_policy.cpp", "if (settings.confirm_first &&", "if (false &&"),
    ("does not watch the clocks", "suspend_policy.cpp", "if (growth < kSleptAtLeast) return;", "return;"),
    ("forgets the deadline of the countdown", "suspend_policy.cpp",
     "now.monotonic < at) return wake_at(at);", "now.monotonic < at) return;"),
    ("saves after it has acted", "suspend_policy.cpp",
     "body.out.emplace(body.out.begin(), Save{body.memory})", "body.out.emplace_back(Save{body.memory})"),
    ("never saves", "suspend_policy.cpp",
     "if (std::exchange(body.unsaved, false))", "if (false)"),
    ("waits for ever for an answer", "suspend_attempt.cpp",
     "if (now.monotonic >= attempt->due) {", "if (false) {"),
    ("goes on when something becomes active", "suspend_attempt.cpp",
     "if (const auto used = use()) interrupt(used->reason, true);", ""),
    ("goes on when a commit is overtaken", "suspend_attempt.cpp",
     "  if (!attempt->stop) attempt->stop = why;\n}", "}"),
    ("keeps the lease when it gives up", "suspend_attempt.cpp",
     "  if (run.leased || run.commit_sent) {\n", "  if (false) {\n"),
    ("leaves the hook's work undone", "suspend_attempt.cpp",
     "  if (run.hooks_ran) {\n", "  if (false) {\n"),
    ("does not cancel what it no longer waits for", "suspend_attempt.cpp",
     "if (attempt->op) out.emplace_back(Cancel{*attempt->op, why});", ""),
    ("sleeps without the alarm", "suspend_attempt.cpp",
     "if (!ok && next_wakeup())", "if (false)"),
    ("suspends with engines that do not stop", "suspend_attempt.cpp",
     "if (!ok && !attempt->coming)", "if (false)"),
    ("a hook cannot veto", "suspend_attempt.cpp",
     "if (how.on_fail == OnFail::Abort) return", "if (false) return"),
    ("never renews", "suspend_attempt.cpp",
     "if (now.monotonic >= attempt->renew_at && attempt->epoch) renew();", ""),
    ("commits before it is written down", "suspend_attempt.cpp",
     "attempt->commit_sent = memory.in_progress->commit_sent = true;", "attempt->commit_sent = true;"),
    ("uses a lease's name again", "suspend_attempt.cpp", "Attempt{++memory.attempts}", "Attempt{1}"),
    ("a refused suspend is forgotten", "suspend_attempt.cpp",
     "if (!ok && !attempt->begun) give_up(\"suspend\", event.detail);", ""),
    ("unload of everybody's suspend without time", "suspend_attempt.cpp",
     "!attempt->coming || (settings.gate && !attempt->forced_drain)", "true"),
    ("holds up logind for ever", "suspend_foreign.cpp",
     "if (delay_by && *delay_by <= now.monotonic) {", "if (false) {"),
    ("holds up the gate for ever", "suspend_foreign.cpp",
     "if (gate_by <= now.monotonic) {", "if (false) {"),
    ("never denies", "suspend_foreign.cpp",
     "settings.gate_on_busy == OnBusy::Deny", "false"),
    ("never drains by force", "suspend_foreign.cpp", "    ask_drain(true);", "    ask_drain(false);"),
    ("lets it sleep at once", "suspend_events.cpp",
     "  begin_foreign(\"a suspend that is not ours has begun\");\n",
     "  begin_foreign(\"a suspend that is not ours has begun\");\n  pass(true, \"\");\n"),
    ("somebody else's suspend is ours", "suspend_foreign.cpp",
     "if (!attempt->suspend_sent) attempt->ours = false;", ""),
    ("does not notice that the lease is gone", "suspend_events.cpp",
     "  attempt->leased = false;\n  if (attempt->stage == Stage::Sleep) {",
     "  if (attempt->stage == Stage::Sleep) {"),
    ("lets a restarted proxy sleep unprepared", "suspend_events.cpp",
     "attempt->epoch.reset();  // the proxy is awake", "// the proxy is awake"),
    ("a busy proxy is a failure", "suspend_events.cpp",
     "give_up(\"\", \"the proxy is busy: \" + event.why);", "give_up(\"drain\", event.why);"),
    ("ignores what the proxy knows of its work", "suspend_events.cpp",
     "if (used > idle_since()) {", "if (false) {"),
    ("a fatal problem does not matter", "suspend_events.cpp",
     "if (problem.kind != ProblemKind::Fatal) continue;", "continue;"),
    ("a busy inhibitor does not matter", "suspend_events.cpp",
     "if (problem.kind == ProblemKind::Busy) return interrupt(problem.text, true);", ""),
    ("takes late answers for new ones", "suspend_events.cpp",
     "if (!attempt || attempt->op != event.op || attempt->stage != Stage::Drain) return;\n  attempt->op.reset();\n  attempt->leased = true;",
     "if (!attempt) return;\n  attempt->op.reset();\n  attempt->leased = true;"),
    ("wakes the proxy while the machine falls asleep", "suspend_events.cpp",
     "  if (preparing_for_sleep) {\n    if (attempt->epoch) {", "  if (false) {\n    if (attempt->epoch) {"),
    ("forgets the attempt of a dead daemon", "suspend_events.cpp",
     "  if (memory.in_progress) {\n    recover_attempt", "  if (false) {\n    recover_attempt"),
    ("forgets what it owes", "suspend_events.cpp",
     "if (memory.untold && !telling) tell(*memory.untold);", ""),
    ("a bound hold outlives its owner", "suspend_events.cpp", "if (hold.bound) continue;", ""),
    ("does not wait for a call on its way", "suspend_events.cpp",
     "  if (attempt->suspend_sent) {\n    // The call", "  if (false) {\n    // The call"),
    ("nobody probes the GPU of a dead daemon", "suspend_events.cpp",
     "if (settings.gpu && !attempt && !resuming", "if (false && !resuming"),
    ("force is not asked for", "suspend_events.cpp", "  if (!event.force) {\n    if (const auto used", "  if (false) {\n    if (const auto used"),
    ("a shutdown keeps the gate waiting", "suspend_events.cpp",
     "  pass(true, why);\n  if (attempt->leased", "  if (attempt->leased"),
    ("a reboot mends nothing", "suspend_events.cpp", "    memory.block.reset();\n    memory.retry_at.reset();\n    memory.failures = 0;\n    for", "    for"),
    ("any end of a sleep is a success", "suspend_resume.cpp",
     "slept && evidence.success_grew.value_or(true)", "true"),
    ("the proxy is not told", "suspend_resume.cpp",
     "if (run.leased || run.commit_sent) tell(", "if (false) tell("),
    ("tells the proxy once only", "suspend_resume.cpp",
     "  if (now.monotonic < telling->due) return wake_at(telling->due);",
     "  if (telling->pause > kTellAgain || now.monotonic < telling->due) return;"),
    ("a success forgets no failure", "suspend_resume.cpp", "    memory.failures = 0;\n", ""),
    ("no grace after a wake", "suspend_resume.cpp",
     "after(now.monotonic, settings.resume_grace)", "now.monotonic"),
    ("the countdown goes on over a sleep", "suspend_resume.cpp",
     "  idle_floor = now.monotonic;\n  dry_told = false;", "  dry_told = false;"),
    ("believes the GPU's first no", "suspend_resume.cpp",
     "  if (step == GpuStep::Probe) {\n    resuming->gpu = GpuStep::Pause;", "  if (false) {\n    resuming->gpu = GpuStep::Pause;"),
    ("a dead GPU does not matter", "suspend_resume.cpp",
     "  block(BlockCause::GpuFailed,", "  if (false) block(BlockCause::GpuFailed,"),
    ("a hung GPU probe is waited for", "suspend_resume.cpp",
     "      gpu_answer(false, \"no answer in time\");\n", ""),
    ("every alarm is ours", "suspend_resume.cpp",
     "return off > -settings.resume_grace && off < settings.resume_grace;", "return true;"),
    ("back-off does not double", "suspend_block.cpp", "pause *= 2", "pause += Duration{0}, ++i"),
    ("never blocks after failures", "suspend_block.cpp",
     "memory.failures >= settings.failures_max", "false"),
    ("a block never ends", "suspend_block.cpp",
     "now.boottime >= *memory.retry_at && !resuming", "false"),
    ("tells of the same block again", "suspend_block.cpp", "  if (!again) {\n", "  {\n"),
    ("an unused wake does not linger longer", "suspend_wakes.cpp", "wait *= 2", "wait += Duration{0}"),
    ("never a storm", "suspend_wakes.cpp", "if (recent < settings.spurious_max) return;", "return;"),
    ("a wake is never used", "suspend_wakes.cpp", "wake->used = wake->judged = true;", ""),
    ("a long sleep does not end a series", "suspend_wakes.cpp",
     "if (it->slept >= settings.spurious_window) break;", ""),
    ("wakes that were expected count", "suspend_wakes.cpp", "if (wake->expected) return;", ""),
    ("a hook that hangs is waited for", "suspend_hooks.cpp",
     "if (now.monotonic < hooks[i].due) {", "if (true) {"),
    ("post_resume cannot block", "suspend_hooks.cpp",
     "hook == Hook::PostResume && settings", "false && settings"),
]


def run(command, folder, **options):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=ENVIRONMENT, **options)


def compile_unit(unit, folder):
    return run(COMPILE + ["-c", unit, "-o", pathlib.Path(unit).stem + ".o"], folder)


def build_base(folder, jobs):
    """Objects of the unbroken sources and of the tests: a mutation recompiles what it touches."""
    shutil.copytree(ROOT / "core", folder / "core")
    (folder / "tests/core").mkdir(parents=True)
    tests = sorted((ROOT / "tests/core").glob("suspend_*_test.cpp"))
    for path in [*tests, *(ROOT / "tests/core").glob("suspend_*.hpp")]:
        shutil.copy(path, folder / "tests/core")
    units = [f"core/{name}.cpp" for name in POLICY + OTHERS]
    units += [f"tests/core/{path.name}" for path in tests]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for unit, built in zip(units, pool.map(lambda unit: compile_unit(unit, folder), units)):
            if built.returncode != 0:
                sys.exit(f"{unit} does not compile:\n{built.stdout}")


def test(folder):
    objects = sorted(path.name for path in folder.glob("*.o"))
    linked = run(["clang++", *objects, "-lgmock_main", "-lgmock", "-lgtest", "-lpthread",
                  "-o", "tests_run"], folder)
    if linked.returncode != 0:
        sys.exit(f"the tests do not link:\n{linked.stdout}")
    try:
        return run(["./tests_run", "--gtest_brief=1", "--gtest_fail_fast"], folder, timeout=120)
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
        touched = POLICY if file.endswith(".hpp") else [target.stem]
        for source in touched:
            built = compile_unit(f"core/{source}.cpp", folder)
            if built.returncode != 0:
                return name, "STALE: does not compile\n" + built.stdout
        result = test(folder)
        if result is None:
            return name, "killed (no end)"
        if result.returncode == 0:
            return name, "SURVIVED"
        return name, "killed by " + first_failed(result.stdout)


def first_failed(output):
    for line in output.splitlines():
        if line.startswith("[  FAILED  ]"):
            return line.split()[3]
    return "a crash"


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
        build_base(base, arguments.j)
        sound = test(base)
        if sound is None or sound.returncode != 0:
            sys.exit("the tests fail without any mutation")
        with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
            results = []
            for name, outcome in pool.map(lambda mutation: kill(base, mutation), chosen):
                print(f"{name:56} {outcome}", flush=True)
                results.append((name, outcome))
    killed = sum(outcome.startswith("killed") for _, outcome in results)
    print(f"{killed} of {len(results)} killed")
    return 0 if killed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
