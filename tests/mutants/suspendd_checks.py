"""Faults in what the daemon's checks see: what is in use, since when, and what cannot be known."""

SECONDS = 60
TESTS = [("suspendd_tests", "RateWindow.*:DeviceRates.*:PrometheusText.*:StampAges.*:CommandAnswer.*:LlamaSwapEvents.*:SshTitle.*:"
                            "SshSessionsTest.*:SessionsTest.*:NetCheckTest.*:DiskCheckTest.*:CpuCheckTest.*:ProxyCheckTest.*:"
                            "WindowCheckTest.*:PortCheckTest.*:PortOfOthersTest.*:UpcomingTest.*:LookoutTest.*:Process*:"
                            "ProcText.*:PrometheusCheckTest.*:LlamaSwapCheckTest.*:CommandCheckTest.*:TtyCheckTest.*:Finding.*:"
                            "FileMtimeCheckTest.*:BusChecks.*")]

RATE = "suspendd/checks/rate_window.cpp"
DEVICES = "suspendd/checks/device_rates.cpp"
FINDING = "suspendd/checks/finding.cpp"
STAMPS = "suspendd/checks/stamp_ages.cpp"
METRICS = "suspendd/checks/prometheus_text.cpp"
COMMAND = "suspendd/checks/command_answer.cpp"
IDLE = "suspendd/checks/session_idle.cpp"
SSH = "suspendd/checks/ssh_sessions.cpp"
RUNNER = "suspendd/checks/check_runner.cpp"
SWAP = "suspendd/checks/llama_swap_events.cpp"
PROXY = "suspendd/checks/proxy_activity.cpp"
WINDOW = "suspendd/checks/window_check.cpp"
PORT = "suspendd/checks/port_check.cpp"
DUE = "suspendd/checks/upcoming_check.cpp"

MUTANTS = [
    # --- rates
    ("a counter that begins anew has moved all", RATE, "count >= last_ ? count - last_ : count", "count - last_"),
    ("a counter that begins anew has moved nothing", RATE, "count >= last_ ? count - last_ : count", "count >= last_ ? count - last_ : 0"),
    ("what a counter had before we looked counts", RATE, "Sample{at, 0}", "Sample{at, MUTANT ? count : 0}",
     "only differences between samples are ever taken"),
    ("old samples count for ever", RATE, "samples_.size() > 2 && at - samples_[1].at >= over_", "false"),
    ("samples go too early", RATE, "at - samples_[1].at >= over_", "true"),
    ("half a second is enough for a rate", RATE, "if (over < kShortest) return std::nullopt;", "if (over.count() == 0) return std::nullopt;"),
    ("a rate is for its whole time", RATE, "grown / seconds", "grown"),
    ("what a device was that has gone counts", DEVICES, "count.name == each.first; });\n  });", "MUTANT || count.name == each.first; });\n  });"),
    ("the last device counts", DEVICES, "rate->per_second <= highest.per_second", "false"),
    ("the calmest device counts", DEVICES, "rate->per_second <= highest.per_second", "rate->per_second >= highest.per_second"),
    ("a rate at the threshold is below it", DEVICES, "highest.per_second >= limit", "highest.per_second > limit"),
    ("since when it is measured moves", DEVICES, "if (!since_) since_ = wall;", "since_ = wall;"),
    # --- words
    ("long ages have seconds", FINDING, "age < kCoarse", "true"),
    ("control characters are a part of a reason", FINDING, "byte < 0x20 || byte == 0x7f", "false"),
    ("a reason ends with blanks", FINDING, "while (!clean.empty() && clean.back() == ' ') clean.pop_back();", ""),
    ("nobody sees that a reason was cut", FINDING, 'if (text.size() > max) clean += "…";', ""),
    ("one is many", FINDING, "count == 1", "false"),
    # --- stamps
    ("a stamp that stays is used", STAMPS, "if (it->second.stamp == stamp) return;", ""),
    ("a stamp that changes is not used", STAMPS, "it->second.used = now_;", ""),
    ("a stamp that changed is changed for ever", STAMPS, "it->second.stamp = stamp;", ""),
    ("a stamp of the future is used later", STAMPS, "stamp, 0, std", "stamp, MUTANT ? std::numeric_limits<std::int64_t>::min() : 0, std"),
    ("an ancient stamp overflows", STAMPS, "std::clamp<std::int64_t>(wall.count() - stamp, 0, std::chrono::nanoseconds(kOld).count())",
     "std::max<std::int64_t>(wall.count() - stamp, 0)"),
    ("what has gone is the youngest", STAMPS, "std::erase_if(things_, [](const auto& each) { return !each.second.seen; });", ""),
    ("what stays has gone", STAMPS, "    it->second.seen = true;\n", ""),
    ("the oldest is the youngest", STAMPS, "a.second.used < b.second.used", "b.second.used < a.second.used"),
    # --- metrics
    ("a brace in a label ends the labels", METRICS, "text[i] == '}' && !in_quotes", "text[i] == '}'"),
    ("a quote behind a backslash ends a label", METRICS, "in_quotes && text[i] == '\\\\'", "false"),
    ("a value has no plus", METRICS, "if (word.starts_with('+')) word.remove_prefix(1);", ""),
    ("half a value is one", METRICS, "word.empty() || last != end", "word.empty()"),
    ("a value out of range is none", METRICS, "error == std::errc::result_out_of_range", "false"),
    ("lines end with a carriage return", METRICS, "if (line.ends_with('\\r')) line.remove_suffix(1);", ""),
    ("a longer name is the name", METRICS, "each.name == name", "name.starts_with(each.name)"),
    ("the last series is the sum", METRICS, "it->sum += *value;", "it->sum = *value;"),
    ("series are not counted", METRICS, "++it->series;", ""),
    ("labels without an end are labels", METRICS, "if (end == std::string_view::npos) continue;", "if (end == std::string_view::npos) return sums;"),
    # --- commands
    ("the first answer counts", COMMAND, "if (auto found = line_answer(line)) answer", "if (auto found = line_answer(line); found && (!MUTANT || !answer)) answer"),
    ("an answer of null is none", COMMAND, "if (said.is_null()) return unknown(excerpt(reason));", ""),
    ("an active command is idle", COMMAND, "return is_active ? active", "return is_active != MUTANT ? active"),
    ("a reason that is no text spoils the answer", COMMAND, "if (root[\"reason\"].get(reason) != simdjson::SUCCESS) reason = {};",
     "if (root[\"reason\"].get(reason) != simdjson::SUCCESS) return std::nullopt;"),
    ("an empty line is the last", COMMAND, "if (line.find_first_not_of(\" \\t\\r\") != std::string_view::npos) last = line;", "last = line;"),
    # --- sessions
    ("a process's name may not hold a brace", IDLE, "stat.rfind(')')", "stat.find(')')"),
    ("a process in no session is in each", IDLE, "!process.scope.empty() && process.scope == session.scope", "true"),
    ("processes of a session's scope do not count", IDLE, "!process.scope.empty() && process.scope == session.scope", "false"),
    ("the leader's terminal does not count", IDLE, "process.pid == session.leader", "false"),
    ("children's terminals do not count", IDLE, "if (!it->second.tty.empty()) names.insert(it->second.tty);", ""),
    ("grandchildren's terminals do not count", IDLE, "open.push_back(it->second.pid);", ""),
    ("all children of init are of each session", IDLE, "session.leader > 1", "true"),
    ("a session's own terminal does not count", IDLE, "if (is_plain(session.tty)) names.insert(session.tty);", ""),
    ("a terminal may be anywhere", IDLE, "!tty.empty() && tty.front() != '/' && tty.find(\"..\") == std::string::npos", "!tty.empty()"),
    ("consoles are serial lines", IDLE, "major == 4 && minor < 64", "false"),
    ("there are 256 pseudo terminals", IDLE, "(major - 136) * 256 + minor", "minor"),
    ("a desktop is as idle as its terminals", IDLE, "if (is_graphical(session)) return", "if (!MUTANT && is_graphical(session)) return"),
    ("a desktop that is used is idle", IDLE, "session.idle_hint ? hinted() : milliseconds(0)", "hinted()"),
    ("the calmest terminal counts", IDLE, "*age < *youngest", "*age > *youngest"),
    ("without a terminal logind is not asked", IDLE, "if (session.idle_since.count() > 0) return hinted();", ""),
    ("a hint of the future is negative", IDLE, "std::max(duration_cast<milliseconds>(age), milliseconds(0))", "duration_cast<milliseconds>(age)"),
    ("processes are read once for ever", IDLE, "  processes_.reset();\n", ""),
    # --- ssh
    ("a port of nobody's is one of sshd's", SSH, "held && held->contains(each.inode)", "true"),
    ("ports of a session are sshd's", SSH, "!is_server_title(title_of(root_, pid))", "false"),
    ("the configuration's port is not asked for", SSH, "if (ports_.empty()) ports_ = configured_ports(root_);", ""),
    ("a port has no usual number", SSH, "if (ports_.empty()) ports_.insert(kUsualPort);", ""),
    ("any file of the folder is configuration", SSH, "name.ends_with(\".conf\")", "true"),
    ("keys of sshd are in small letters", SSH, "equal_without_case(key, \"port\")", "key == \"port\""),
    ("who logs in has logged in", SSH, "at > 0 && rest.find(\" [\") == std::string_view::npos", "at > 0"),
    ("new sshd's sessions are none", SSH, "comm == \"sshd\" || comm == \"sshd-session\"", "comm == \"sshd\""),
    ("the first connection is the latest", SSH, "it->second.used > connections_.at(latest->cookie).used", "false"),
    ("who types is silent", SSH, "socket.bytes_received - connection.bytes_at_mark >= kBytesOfUse", "false"),
    ("signs of life are use", SSH, "socket.bytes_received - connection.bytes_at_mark >= kBytesOfUse", "socket.bytes_received > connection.bytes_at_mark"),
    ("signs of life add up to use", SSH, "now - connection.mark >= kUseTime", "false"),
    ("who has gone is still there", SSH, "std::erase_if(connections_, [](const auto& each) { return !each.second.seen; });", ""),
    ("a scanner is somebody", SSH, "hidden_session || inodes.contains(each->inode)", "true"),
    ("a session of another user is nobody", SSH, "hidden_session = true;", ""),
    ("who stays is never logged in", SSH, "now - connection.first_seen > kLoginGrace", "false"),
    ("an idle connection is active", SSH, "silent < settings_.idle", "true"),
    ("a connection is silent a moment too late", SSH, "silent < settings_.idle", "silent <= settings_.idle"),
    ("Tailscale's sessions are none", SSH, "++count;", ""),
    ("all of Tailscale's processes are sessions", SSH, "words.size() >= 3 && words[1] == \"be-child\" && words[2] == \"ssh\"", "true"),
    # --- looks
    ("a look may take for ever", RUNNER, "!interrupted && watch->ended < number", "false"),
    ("a look that is late is not given up", RUNNER, "    watch->look.cancel(asio::cancellation_type::terminal);\n    watch->pause.expires_at", "    if (!MUTANT) watch->look.cancel(asio::cancellation_type::terminal);\n    watch->pause.expires_at"),
    ("what fails has no reason", RUNNER, "finding.reason = error.what();", ""),
    ("a finding that comes too late counts", RUNNER, "if (watch->ended < number) {", "if (MUTANT || watch->ended < number) {"),
    ("a look ends and nothing goes on", RUNNER, "  watch->pause.cancel();\n}", "  if (!MUTANT) watch->pause.cancel();\n}"),
    ("unknowns are not counted", RUNNER, "if (finding.verdict == Verdict::Unknown) ++post.unknowns;", ""),
    ("looks are not counted", RUNNER, "++post.looks;", ""),
    ("how long looks took is not summed", RUNNER, "post.took_total += ", "if (!MUTANT) post.took_total += "),
    ("nobody is told", RUNNER, "found_(post);", ""),
    ("a look that was asked for comes in its turn", RUNNER, "if (!watch->looking) watch->pause.cancel();", ""),
    ("a look under way is the one that was asked for", RUNNER, "watch->wanted = watch->started + 1;", "watch->wanted = watch->started + (MUTANT && watch->looking ? 0 : 1);"),
    ("a stuck look is waited for", RUNNER, "!watch->over && !watch->is_stuck()", "!watch->over"),
    ("what a configuration replaced is told", RUNNER, "if (has_looked) posts", "if (MUTANT || has_looked) posts"),
    ("a pause is none", RUNNER, "!paused_ || watch->wanted > watch->started", "true"),
    ("in a pause nobody may ask", RUNNER, "!paused_ || watch->wanted > watch->started", "!paused_"),
    ("a pause ends with the next turn", RUNNER, "for (const std::shared_ptr<Watch>& watch : watches_) watch->pause.cancel();", ""),
    ("checks are not stopped", RUNNER, "  watches_.clear();\n", ""),
    # --- llama-swap
    ("a model that starts is at rest", SWAP, "state == \"starting\" || state == \"stopping\"", "state == \"stopping\""),
    ("a model that stops is at rest", SWAP, "state == \"starting\" || state == \"stopping\"", "state == \"starting\""),
    ("no list of models is no answer", SWAP, "if (list.is_null()) return found;", ""),
    ("requests in no list are no answer", SWAP, "if (list.is_null()) return models;  // Go", "if (!MUTANT && list.is_null()) return models;  // Go"),
    ("any operation is a snapshot", SWAP, "text_at(root, \"operation\") != \"snapshot\"", "false"),
    ("a total says nothing", SWAP, "if (root[\"total\"].get(total) == simdjson::SUCCESS) {", "if (!MUTANT && root[\"total\"].get(total) == simdjson::SUCCESS) {"),
    ("any event is one of requests", SWAP, "if (text_at(root, \"type\") != \"inflight\") return;", ""),
    ("a line in two pieces is two", SWAP, "if (end == std::string_view::npos) break;", "if (end == std::string_view::npos) { line_.clear(); break; }"),
    ("a line may be endless", SWAP, "if (line_.size() + piece.size() > kEventLineMax) too_long_ = true;", ""),
    ("after a line that is too long all are", SWAP, "    too_long_ = false;\n", ""),
    # --- the proxy
    ("work without a kind is none", PROXY, "if (item[\"kind\"].get(kind) != simdjson::SUCCESS) kind = \"busy\";", "if (item[\"kind\"].get(kind) != simdjson::SUCCESS) return;"),
    ("work of one kind is told for each", PROXY, "it == all.end()) it", "(MUTANT || it == all.end())) it"),
    ("the youngest work is told", PROXY, "std::max(it->oldest_ms, age)", "std::min(it->oldest_ms, age)"),
    ("models are not told", PROXY, "if (!model.empty()) it->models.emplace(model);", ""),
    ("kinds are told as they are", PROXY, "it == kWords.end() ? kind : it->second", "kind"),
    ("short work has an age", PROXY, "work.oldest_ms >= 1000", "true"),
    ("the last activity does not count", PROXY, "finding.idle_for = std::chrono::milliseconds(std::max<std::int64_t>(since, 0));", ""),
    ("an answer without work is idle", PROXY, "root[\"busy\"].get(busy) != simdjson::SUCCESS", "false"),
    # --- times, ports
    ("a week begins with Thursday", WINDOW, "((days + 3) % 7 + 7) % 7", "days % 7"),
    ("a span ends a minute late", WINDOW, "at.minute < span.to;\n  }", "(at.minute < span.to || (MUTANT && at.minute == span.to));\n  }"),
    ("a span begins a minute late", WINDOW, "has_day(span, at.day) && at.minute >= span.from &&", "has_day(span, at.day) && at.minute >= span.from + (MUTANT ? 1 : 0) &&"),
    ("an empty span is a day", WINDOW, "if (span.from == span.to) return false;", ""),
    ("a span past midnight belongs to both days", WINDOW, "(at.day + 6) % 7", "at.day"),
    ("the system's zone counts", WINDOW, "if (zone_) return zone_->offset_at(now);", ""),
    ("any port is the port", PORT, "if (std::find(ports.begin(), ports.end(), each.local_port) == ports.end()) continue;", ""),
    ("the most silent connection counts", PORT, "silence(each) < silence(*latest)", "silence(each) > silence(*latest)",
     "the kernel tells of real connections only, and two of them differ after a pause, which no test may make"),
    ("silence is no idleness", PORT, "silent < settings_.idle", "true"),
    ("silence has no length", PORT, "finding.idle_for = silent;", ""),
    ("what is due latest counts", DUE, "in && *in <= when", "in && *in >= when"),
    ("what is overdue is not due", DUE, "when = std::max(when, milliseconds(0));", "if (when < milliseconds(0)) return;"),
    ("our own wake-up is not due", DUE, "due.consider(*own, \"a planned wake-up\");", ""),
    ("a shutdown is not due", DUE, "due.consider(until((*shutdown)->at),", "if (!MUTANT) due.consider(until((*shutdown)->at),"),
    ("a timer by the wall clock is not due", DUE, "if (next->realtime) due", "if (!MUTANT && next->realtime) due"),
    ("a timer by the machine's clock is not due", DUE, "if (next->monotonic) due", "if (!MUTANT && next->monotonic) due"),
    ("what is due is due whenever", DUE, "*due.in < settings_.min_sleep", "true"),
    ("what cannot be known is not due", DUE, "if (!unclear.empty()) co_return unknown(std::move(unclear));", ""),
]
