"""Faults in the way of a swap: when readiness is asked for, what is read ahead, what its parts took."""

SECONDS = 60
TESTS = [("base_tests", "ReadAhead*:AvailableMemory*"),
         ("proxy_tests", "ProbePace*:IsClosed*:ProcessTree*:SwapTimes*:*Prefetch*:Engine*:Registry*:Timing*"),
         ("integration_tests", "Swap.*")]

PACE = "proxy/engine/probe_pace.cpp"
READY = "proxy/engine/readiness.cpp"
TREE = "proxy/engine/process_tree.cpp"
CACHE = "base/page_cache.cpp"
PREFETCH = "proxy/engine/prefetcher.cpp"
TIMES = "proxy/admission/swap_times.cpp"
ACTIONS = "proxy/admission/dispatcher_actions.cpp"
SHELL = "proxy/admission/dispatcher.cpp"
VIEW = "core/swap/scheduler_view.cpp"

MUTANTS = [
    # --- readiness
    ("the pause is a tenth of the load", PACE, "(asked_ - started_) / 100", "(asked_ - started_) / 10"),
    ("a long load is asked seldom", PACE, "std::clamp<Clock::duration>(hundredth, kShortest, kLongest)", "std::max<Clock::duration>(hundredth, kShortest)"),
    ("a line is no reason to ask", PACE, "has_spoken_ ? std::min<Clock::duration>(pause, kBetweenLines) : pause", "pause"),
    ("a line makes the next probe later", PACE, "std::min<Clock::duration>(pause, kBetweenLines)", "kBetweenLines"),
    ("a line is asked about for ever", PACE, "has_spoken_ = false;", ""),
    ("what is refused listens", READY, "error == ECONNREFUSED || error == EADDRNOTAVAIL || error == ENOENT", "error == ENOENT"),
    ("a socket that is not there listens", READY, "error == ECONNREFUSED || error == EADDRNOTAVAIL || error == ENOENT", "error == ECONNREFUSED || error == EADDRNOTAVAIL"),
    ("of localhost one address is asked", READY, 'refuses_v4("127.0.0.1", endpoint.port) && refuses_v6(endpoint.port)', "refuses_v6(endpoint.port)"),
    ("nobody ever listens", READY, "return refuses_unix(endpoint.unix_path);", "return true;"),
    # --- what is left behind
    ("children of children are not ours", TREE, "(void)add_children(pids[i], pids);", ""),
    # --- read ahead
    ("what is cached is read again", CACHE, "!read_byte(fd.get(), last, RWF_NOWAIT)", "true"),
    ("it reads on when it is told to stop", CACHE, "done.bytes < end && !stop", "done.bytes < end"),
    ("it takes more than it may", CACHE, "std::min(most, static_cast<std::uint64_t>(facts.st_size))", "static_cast<std::uint64_t>(facts.st_size)"),
    ("devices are files", CACHE, "!fd || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)", "!fd || ::fstat(fd.get(), &facts) != 0",
     "their size is nothing"),
    ("one part of a split model", PREFETCH, "parts < 2 || parts > kPartsMost", "true"),
    ("any number of parts", PREFETCH, "parts < 2 || parts > kPartsMost", "parts < 2"),
    ("what the configuration names is not read", PREFETCH, "if (model.prefetch) return *model.prefetch;", ""),
    ("the first wish is the last", PREFETCH, "mine != wish_ && !wish_->files.empty()", "mine == nullptr"),
    ("nothing is read ahead", SHELL, "if (next == prefetched_) return;", "return;"),
    ("nobody is loaded next", VIEW, "is_next && engine.is_wanted() && !engine.is_resident()", "false"),
    # --- the parts of a swap
    ("who came late waited for all", TIMES, "std::max(from, entered)", "from"),
    ("it was seen before it was there", TIMES, "phases.seen = std::min(seen, phases.load);", "phases.seen = seen;"),
    ("nobody was in the way", ACTIONS, "slot.swap.evicts = slot.swap.told >= slot.swap.wanted;", ""),
    ("who waits has come just now", ACTIONS, "first = std::min(first, waiter.entered);", ""),
    ("the end of a process is not known", ACTIONS, "exited = std::max(exited, core::to_instant(mine.engine->times().ended));", ""),
    ("the client is not told", "proxy/request/admission.cpp", "timing.swap = ticket_->swap();", ""),
]
