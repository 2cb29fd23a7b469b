"""Faults in what is asked of logind and systemd, and in the lock that holds a sleep up."""

SECONDS = 60
TESTS = [("suspendd_tests", "Logind*:SleepLock*:SystemdUnits*:UpcomingTest*:UnitTest*")]

LOGIND = "suspendd/systemd/logind.cpp"
SESSIONS = "suspendd/systemd/logind_sessions.cpp"
UNITS = "suspendd/systemd/units.cpp"
LOCK = "suspendd/systemd/sleep_lock.cpp"

MUTANTS = [
    # --- logind
    ("a time beyond the clock is past", LOGIND, "std::min<std::uint64_t>(microseconds, static_cast<std::uint64_t>(kMost))", "microseconds"),
    ("a challenge is a no", LOGIND, 'return "challenge";', 'return "no";'),
    ("what begins alike is inhibited", LOGIND, "rest.substr(0, colon) == kind", "rest.starts_with(kind)"),
    ("only the first kind is inhibited", LOGIND, "rest.remove_prefix(std::min(colon + 1, rest.size()));", "return false;"),
    ("a logind that comes back is the same", LOGIND, "    // Another version may have started.\n    has_list_ex_ = true;", "    // Another version may have started.\n    if (!MUTANT) has_list_ex_ = true;"),
    ("what was missed is not read", LOGIND, "look_ = here;", "look_ = false;"),
    ("nobody looks when logind comes", LOGIND, "    wake_.cancel();\n", ""),
    ("a newer challenge is unknown", LOGIND, 'can == "challenge" || can == "challenge-inhibitor-blocked"', 'can == "challenge"'),
    ("a newer inhibition is unknown", LOGIND, 'can == "inhibited" || can == "inhibitor-blocked"', 'can == "inhibited"'),
    ("na is no", LOGIND, 'if (can == "na") co_return CanSuspend::NotAvailable;', 'if (can == "na") co_return CanSuspend::No;'),
    ("a suspend has flags", LOGIND, "std::uint64_t{0}", "std::uint64_t{1}"),
    ("who is why", LOGIND, "inhibitor.who = reader.string();\n    inhibitor.why = reader.string();", "inhibitor.why = reader.string();\n    inhibitor.who = reader.string();"),
    ("users are processes", LOGIND, "inhibitor.uid = reader.u32();\n    inhibitor.pid = reader.u32();", "inhibitor.pid = reader.u32();\n    inhibitor.uid = reader.u32();"),
    ("a shutdown at no time is scheduled", LOGIND, "shutdown.kind.empty() || at == 0 || at == UINT64_MAX", "shutdown.kind.empty()"),
    ("a shutdown of no kind is scheduled", LOGIND, "shutdown.kind.empty() || at == 0", "at == 0",
     "logind has no kind only where it has no time either"),
    ("microseconds are milliseconds", LOGIND, "std::chrono::duration_cast<std::chrono::milliseconds>(span_of(microseconds))", "std::chrono::milliseconds(microseconds)"),
    ("why and who of a lock are changed", LOGIND, "{&what, &who, &why, &mode}", "{&what, MUTANT ? &why : &who, MUTANT ? &who : &why, &mode}"),
    ("who has gone is told", LOGIND, "if (const auto listener = weak.lock()) listener->then(signal);", "if (const auto listener = weak.lock()) { if (!MUTANT) listener->then(signal); }"),
    ("what was read was heard", LOGIND, "tell({.preparing = *preparing, .recovered = true});", "tell({.preparing = *preparing, .recovered = false});"),
    ("what was read is always awake", LOGIND, "tell({.preparing = *preparing, .recovered = true});", "tell({.preparing = false, .recovered = true});"),
    ("who could not be asked is not asked again", LOGIND, "here() && !look_", "false"),
    # --- sessions
    ("a type is not read", SESSIONS, "session.type = text_in_variant(reader);", "text_in_variant(reader);"),
    ("a state is not read", SESSIONS, "session.state = text_in_variant(reader);", "text_in_variant(reader);"),
    ("every session is local", SESSIONS, "session.remote = flag_in_variant(reader);", "flag_in_variant(reader);"),
    ("no session has a host", SESSIONS, "session.remote_host = text_in_variant(reader);", "text_in_variant(reader);"),
    ("a service is not read", SESSIONS, "session.service = text_in_variant(reader);", "text_in_variant(reader);"),
    ("a terminal is not read", SESSIONS, "session.tty = text_in_variant(reader);", "text_in_variant(reader);"),
    ("a scope is not read", SESSIONS, "session.scope = text_in_variant(reader);", "text_in_variant(reader);"),
    ("nobody is idle", SESSIONS, "session.idle_hint = flag_in_variant(reader);", "flag_in_variant(reader);"),
    ("a class is not read", SESSIONS, "session.session_class = text_in_variant(reader);", "text_in_variant(reader);"),
    ("what nobody knows is not passed over", SESSIONS, 'reader.skip("v");', ""),
    ("the newer method is tried each time", SESSIONS, "    has_list_ex_ = false;\n", ""),
    ("what a policy forbids is a failure", SESSIONS, "code != BusErrc::UnknownMethod && code != BusErrc::AccessDenied", "code != BusErrc::UnknownMethod"),
    ("every failure is an older logind", SESSIONS, "code != BusErrc::UnknownMethod && code != BusErrc::AccessDenied", "false"),
    ("a session that ends is a failure", SESSIONS, "code == BusErrc::UnknownObject || code == BusErrc::NoSuchSession", "false"),
    ("a session that has ended is one", SESSIONS, "lives = *filled;", ""),
    ("greeters are asked for more", SESSIONS, "session.session_class.empty() || session.is_user()", "true"),
    ("sessions without a class are not asked for", SESSIONS, "session.session_class.empty() || session.is_user()", "session.is_user()"),
    # --- units
    ("a timer that is off is due at once", UNITS, "microseconds == 0 || ", "!MUTANT && microseconds == 0 || "),
    ("never is before the boot", UNITS, "microseconds > static_cast<std::uint64_t>(kMost)", "false"),
    ("which unit could not be asked for is not told", UNITS, 'error.doing = "unit " + unit + ": " + error.doing;', ""),
    ("a unit's state is its substate", UNITS, '"ActiveState"', '"SubState"'),
    ("a unit's substate is its state", UNITS, '"SubState"', '"ActiveState"'),
    ("a unit's file has no state", UNITS, "file ? *file : std::string()", "std::string()"),
    ("a unit without a file is a failure", UNITS, "  co_return UnitState{", "  if (MUTANT && (!file || file->empty())) co_return bus_error(BusErrc::NoSuchUnit, \"\");\n  co_return UnitState{"),
    ("a timer that is missing is never due", UNITS, '*load != "loaded"', "false"),
    ("the clocks of a timer are one", UNITS, '"NextElapseUSecRealtime"', '"NextElapseUSecMonotonic"'),
    ("no timer is due by the machine's clock", UNITS, "next.monotonic = elapse(*monotonic);", ""),
    ("no timer is due by the wall clock", UNITS, "if (const auto at = elapse(*realtime)) {", "if (const auto at = elapse(*realtime); at && !MUTANT) {"),
    # --- the lock
    ("a sleep that comes is a resume", LOCK, "if (signal.preparing) return;", ""),
    ("after a resume nothing is wanted", LOCK, "state.wanted = true;", ""),
    ("after a resume nobody is rung for", LOCK, "    state.ring();\n  });\n  state.on_service", "    if (!MUTANT) state.ring();\n  });\n  state.on_service"),
    ("a lock outlives logind", LOCK, "    state.valid = false;\n    ++state.changes;", "    if (!MUTANT) state.valid = false;\n    ++state.changes;"),
    ("a lock blocks", LOCK, '"delay"', '"block"'),
    ("what was released meanwhile is held", LOCK, "lock && state.wanted && state.changes == asked_at", "lock && state.changes == asked_at"),
    ("why it is not held is not told", LOCK, "lock ? std::string() : lock.error().message()", "std::string()"),
    ("a lock that is not given is not asked for again", LOCK, "state.bell.expires_after(pause);", "state.bell.expires_at(BusTimer::time_point::max());"),
    ("the pause does not grow", LOCK, "std::min(pause * 2, kRetryLongest)", "pause",
     "the second pause is longer than any test may wait"),
    ("a keeper that ends keeps", LOCK, "  state.lock.reset();\n  state.valid = false;\n}\n\nvoid", "  if (!MUTANT) state.lock.reset();\n  state.valid = false;\n}\n\nvoid"),
    ("what is released is wanted", LOCK, "state_->wanted = false;", ""),
    ("what is released is held", LOCK, "state_->valid = false;", ""),
    ("what is released stays open", LOCK, "state_->lock.reset();", ""),
    ("what is released has its trouble", LOCK, "state_->trouble.clear();", ""),
]
