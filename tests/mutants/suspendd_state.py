"""Faults in what the daemon remembers: its memory as JSON, and the files in which it lies."""

SECONDS = 30
TESTS = [("suspendd_tests", "MemoryJson*:StateDir*")]

MEMORY = "suspendd/state/memory_json.cpp"
DIR = "suspendd/state/state_dir.cpp"

MUTANTS = [
    # --- writing
    ("nothing optional is written", MEMORY, "if (value) json.member(key, number_of(*value));", ""),
    ("when it woke is not written", MEMORY, 'json.member("woke", number_of(record.woke));', ""),
    ("how long it slept is not written", MEMORY, 'json.member("slept", number_of(record.slept));', ""),
    ("whether a sleep was expected is not written", MEMORY, 'json.member("expected", record.expected);', ""),
    ("a sleep that was judged is not", MEMORY, 'json.member("judged", record.judged);', ""),
    ("that the order was given is not written", MEMORY, 'json.member("suspend_sent", going.suspend_sent);', ""),
    ("that the commit was sent is not written", MEMORY, 'json.member("commit_sent", going.commit_sent);', ""),
    ("that hooks ran is not written", MEMORY, 'json.member("hooks_ran", going.hooks_ran);', ""),
    ("the clocks are one", MEMORY, 'number_of(going.began.boottime)', "number_of(going.began.monotonic)"),
    ("a hold lasts for ever", MEMORY, 'write(json, "until", hold.until);', ""),
    ("a hold is over after a reboot", MEMORY, 'write(json, "until_wall", hold.until_wall);', ""),
    ("a bound hold is free", MEMORY, 'json.member("bound", hold.bound);', ""),
    ("whose boot it was is not written", MEMORY, 'json.member("boot_id", memory.boot_id);', ""),
    ("failures are forgotten", MEMORY, 'json.member("failures", memory.failures);', ""),
    ("the next try is at once", MEMORY, 'write(json, "retry_at", memory.retry_at);', ""),
    ("why it is blocked is not written", MEMORY, 'json.member("reason", memory.block->reason);', ""),
    ("since when it is blocked is not written", MEMORY, 'json.member("since", number_of(memory.block->since));', ""),
    ("the proxy's epoch is not written", MEMORY, 'write(json, "epoch", memory.unreported_resume->epoch);', ""),
    ("the last sleep is forgotten", MEMORY, '    write_record(json, *memory.last_suspend);', '    write_record(json, MUTANT ? policy::SleepRecord() : *memory.last_suspend);'),
    ("wakes are forgotten", MEMORY, "for (const policy::SleepRecord& record : memory.wakes) write_record(json, record);", ""),
    ("an agreement is forgotten", MEMORY, 'json.member("agreed", memory.agreed);', ""),
    ("a proof is forgotten", MEMORY, 'write(json, "wake_proof", memory.wake_proof);', ""),
    # --- reading
    ("nothing is zero", MEMORY, "if (!number_at(object, key)) return std::nullopt;", ""),
    ("an unknown word is the first", MEMORY, "return all[N - 1];", "return all[0];"),
    ("a sleep of an older file is somebody else's", MEMORY, 'record.ours = truth_of(object, "ours", true);', 'record.ours = truth_of(object, "ours");'),
    ("an attempt of an older file is somebody else's", MEMORY, 'going.ours = truth_of(object, "ours", true);', 'going.ours = truth_of(object, "ours");'),
    ("who holds it is not read", MEMORY, 'hold.by = text_of(object, "by");', ""),
    ("where it began is not read", MEMORY, 'going.reason = text_of(object, "reason");', ""),
    ("what woke it is not read", MEMORY, 'record.wake = word_at(object, "wake", kWakes);', ""),
    ("attempts begin anew", MEMORY, 'memory.attempts = value_at<std::uint64_t>(root, "attempts");', ""),
    ("holds are not read", MEMORY, "for (const dom::element each : list) memory.holds.push_back(read_hold(each));", ""),
    ("a list is an object", MEMORY, "parser.parse(padded).get(root) == simdjson::SUCCESS && root.is_object()", "parser.parse(padded).get(root) == simdjson::SUCCESS"),
    # --- files
    ("a folder need not be made", DIR, "make_private_folder(path_)", "Result<void>()"),
    ("a folder that cannot be made is fine", DIR, "!made) return made;", "!MUTANT && !made) return made;"),
    ("what an earlier version left open stays so", DIR, "make_private(path_ + name);", ""),
    ("a folder that cannot be written to is fine", DIR, 'if (!fd) return errno_error("writing to " + path_);', ""),
    ("a test of writing stays", DIR, "::unlink(probe.c_str());", ""),
    ("no file is a fault", DIR, "if (!file && errno == ENOENT) return core::suspend::Memory();", ""),
    ("what cannot be read is nothing", DIR, "if (!file) return errno_error(\"reading \" + path);", "if (!file) return core::suspend::Memory();"),
    ("which file is broken is not told", DIR, 'return Error{memory.error().code, "reading " + path};', "return memory;"),
    ("a broken file is not kept", DIR, 'if (!memory) std::rename(path.c_str(), (path + ".broken").c_str());', "if (!memory) std::remove(path.c_str());"),
    ("a good file is put aside", DIR, "if (!memory) std::rename", "if (MUTANT || !memory) std::rename"),
    ("the end of an unfinished file stays", DIR, "open_private(fresh, O_TRUNC)", "open_private(fresh, 0)"),
    ("what cannot be saved is", DIR, "    if (!fd) return errno_error(doing);\n    if (auto", "    if (!fd && MUTANT) return {};\n    if (!fd) return errno_error(doing);\n    if (auto"),
    ("what was written is not put in its place", DIR, "if (std::rename(fresh.c_str(), path.c_str()) != 0) return errno_error(doing);", ""),
    ("a memory that cannot be put in its place is saved", DIR, "std::rename(fresh.c_str(), path.c_str()) != 0", "(std::rename(fresh.c_str(), path.c_str()), false)"),
    ("history is written over", DIR, "open_private(path, O_APPEND)", "open_private(path, 0)"),
    ("history grows for ever", DIR, "seen.st_size > kHistoryMax", "false"),
    ("history is one line", DIR, "seen.st_size > kHistoryMax", "true"),
    ("lines have no end", DIR, 'std::string(json_line) + "\\n"', "std::string(json_line)"),
    ("empty lines are some", DIR, "if (!line.empty()) lines", "if (MUTANT || !line.empty()) lines"),
    ("the older file is not read", DIR, "lines.size() < count", "false"),
    ("older lines are newer", DIR, "lines.insert(lines.begin(), older.begin(), older.end());", "lines.insert(lines.end(), older.begin(), older.end());"),
    ("all of the history is told", DIR, "lines.size() > count", "false"),
    ("the first lines are the last", DIR, "lines.erase(lines.begin(), lines.end() - static_cast<long>(count));", "lines.resize(count);"),
]
