"""Faults in who keeps a room, and who comes back into it: its simulator has neither."""

SECONDS = 30
TESTS = [("core_tests", "Scheduler.*")]

EVENTS = "core/swap/scheduler_events.cpp"
SWAP = "core/swap/scheduler_swap.cpp"

MUTANTS = [
    ("an unevictable model is evicted", SWAP, "if (keeper != eviction.evict.end()) return refuse_for_room(engine, *keeper, out);", ""),
    ("a wish without room waits for ever", SWAP, "  forget_load_request(engine);\n  engine.claimed = false;\n",
     "  if (!MUTANT) forget_load_request(engine);\n  engine.claimed = false;\n"),
    ("one that is about to leave keeps its room", "core/swap/engine_record.hpp", "!(outdated || unload_by)", "true"),
    ("one that loads has no room yet", "core/swap/engine_record.hpp",
     "const bool stays = state == EngineState::Starting || state == EngineState::Ready;",
     "const bool stays = (!MUTANT && state == EngineState::Starting) || state == EngineState::Ready;"),
    ("the baseline comes back after every stop", EVENTS, "engine.stopped_by == StopCause::Idle", "true"),
    ("the baseline comes back into its own room", EVENTS, "!engine.policy.baseline", "true"),
    ("the baseline goes before who waits", EVENTS, "if (waiting + wishes > 0 || shutdown_by) return;", ""),
    ("what was unloaded on purpose comes back", EVENTS, "engine.stopped_by != StopCause::Unloaded", "true"),
    ("the baseline evicts", EVENTS, "if (!may_come || !residency->make_room(id, there).evict.empty()) continue;", "if (!may_come) continue;"),
]
