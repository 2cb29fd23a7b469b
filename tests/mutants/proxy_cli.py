"""Faults in the commands, in the pages that they draw, and in how names lead to models."""

SECONDS = 30
TESTS = [("proxy_tests", "StatusPage.*:ProxyFacts.*:ProxyReply.*:ProxyEndpoint.*:Commands.*:ExplainPage.*:ExplainWords.*:"
                         "NewKey.*:WakeTarget*:WakeReport*:StateDir.*:Names.*:UnknownModel.*")]

ASK = "proxy/cli/ask_proxy.cpp"
ARGUMENTS = "proxy/cli/config_arguments.cpp"
EXPLAIN = "proxy/cli/explain_page.cpp"
WORDS = "proxy/cli/explain_words.cpp"
KEY = "proxy/cli/new_key.cpp"
FACTS = "proxy/cli/proxy_facts.cpp"
STATUS = "proxy/cli/status_page.cpp"
REPORT = "proxy/cli/wake_report.cpp"
TARGET = "proxy/cli/wake_target.cpp"
WOL = "proxy/cli/wol_proxy.cpp"
NAMES = "proxy/routing/names.cpp"

MUTANTS = [
    # --- the answer of a proxy
    ("an unknown name is no rouse", ASK, 'answer->status == 404 && code_in(answer->body) == "name_not_found"', "false"),
    ("whatever is refused is waited for", ASK, "reply.is_silent = answer->status >= 500;", "reply.is_silent = true;"),
    ("a socket has a host", ASK, 'options.url.find("://") != std::string::npos || options.url.starts_with("unix:")',
     'options.url.find("://") != std::string::npos'),
    ("every certificate is looked at", ASK, "if (endpoint) endpoint->trust.insecure = options.insecure;", ""),
    ("nobody hears of --url", ASK, "options.url == ProxyOptions::kUsualUrl", "false"),
    ("whatever answers is a rouse", FACTS, 'if (!object_in(facts.root_, "power")) return std::nullopt;', ""),
    ("milliseconds are seconds", FACTS, '(key.ends_with("_ms") ? 1000 : 1)', "1"),
    ("times are negative", FACTS, "std::max(number, 0.0)", "number"),
    ("long times have minutes", FACTS, "if (seconds >= 2 * kDay) return short_span(seconds);", ""),
    ("spans end with nothing", FACTS, "text.ends_with(nothing)", "false"),
    ("minutes come early", FACTS, "if (seconds < 2 * kMinute) return", "if (seconds < (MUTANT ? 1 : 2) * kMinute) return"),
    ("a failure has no colour", FACTS, 'if (state == "failed") return Tone::Bad;', ""),
    ("what is busy lets it sleep", FACTS, 'if (!busy.empty()) return "stays awake: " + busy;', ""),
    ("a wake that goes on has an end", FACTS, 'if (outcome == "waking") return "under way";', ""),
    ("nobody hears whose request it is", FACTS, 'if (!text.empty() && !address.empty()) text += ", ";\n  return text + address;',
     'if (!text.empty() && !address.empty()) text += ", ";\n  return MUTANT ? text : text + address;'),
    # --- status
    ("what runs cannot start", STATUS, "!is_up && !obstacle.empty()", "!obstacle.empty()"),
    ("nobody hears when it is tried again", STATUS, 'state == "failed" && retry', "false"),
    ("who is waited for is at rest", STATUS, "is_wanted ? Tone::Warning : tone_of_state(state)", "tone_of_state(state)"),
    ("empty columns have titles", STATUS, "if (!is_used) title.text.clear();", ""),
    ("the first decisions are shown", STATUS, "part.keeps_last ? part.rows.end() - shown : part.rows.begin()", "part.rows.begin()"),
    ("all decisions are shown", STATUS, "std::min(parts.back().shown, kDecisionsShown)", "parts.back().shown"),
    ("a low window shows no models", STATUS, "keeps_least ? part->least : 0", "0"),
    ("what is in use gives way first", STATUS, "row[1].tone == Tone::Faint", "row[1].tone != Tone::Faint"),
    ("what is left out is not told", STATUS, "if (part.is_cut() && !part.keeps_last) {", "if (!MUTANT && part.is_cut() && !part.keeps_last) {"),
    ("a line steers the terminal", STATUS, "cut_text(one_line(text), look.width)", "cut_text(text, look.width)"),
    ("a service that is down is well", STATUS, "is_down ? Tone::Bad : tone_of_state(state)", "tone_of_state(state)"),
    # --- explain
    ("decisions about two are about one", EXPLAIN, 'text_in(decision, "also") == about', "false"),
    ("the oldest decisions are told", EXPLAIN, "if (rows.size() > most) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(most));",
     "if (rows.size() > most) rows.resize(most);"),
    ("a name leads to itself", EXPLAIN, "steps.empty() && name == id", "false"),
    ("who waits for a peer waits here", EXPLAIN, 'text_in(waiting, "model") == id && text_in(waiting, "peer").empty()',
     'text_in(waiting, "model") == id'),
    ("a shutdown is not told", EXPLAIN, 'if (flag_in(root, "shutting_down")) head += ", shutting down";', ""),
    ("what failed before is not told", EXPLAIN, 'state != "failed" && !failure.empty()', "false"),
    ("a profile disables it", EXPLAIN, 'problem.empty() ? "the active profile disables it" : problem', "problem"),
    ("what is in use comes last", EXPLAIN, "for (const bool at_rest : {false, true}) {", "for (const bool at_rest : {MUTANT, !MUTANT}) {"),
    ("a state has no length", EXPLAIN, 'seconds ? ", " + for_words(seconds) : std::string()', "std::string()"),
    ("what is evicted is unloaded", WORDS, 'if (cause == "evicted") return "evicted: " + reason;', ""),
    ("who leaves admits newcomers", WORDS, "!leaves.empty()) {", "!MUTANT && !leaves.empty()) {"),
    ("a ttl that runs is not told", WORDS, 'if (const auto left = seconds_in(model, "unload_in_s")) {\n    return',
     'if (const auto left = seconds_in(model, "unload_in_s"); !MUTANT && left) {\n    return'),
    ("what is given up is ready", WORDS, 'if (waiting > 0) return fmt::format("serves {} when it is ready", requests(waiting));', ""),
    ("an old answer counts", WORDS, "(since && *asked > *since)", "false"),
    ("whoever cannot be woken is woken", WORDS, 'flag_in(peer, "can_wake")', "true"),
    ("what comes next comes last", WORDS, "                   [](const auto& a, const auto& b) { return a.first < b.first; });\n  return list;\n}\n\nDated failures",
     "                   [](const auto& a, const auto& b) { return MUTANT ? a.first > b.first : a.first < b.first; });\n  return list;\n}\n\nDated failures"),
    ("a circuit is only tried later", WORDS, 'flag_in(model, "circuit_open") && retry', "false"),
    ("every wake has failed", WORDS, '!wake || text_in(*wake, "outcome") != "timeout"', "!wake"),
    # --- keys, folders
    ("a key may have any name", KEY, "!is_key_name(name)", "false"),
    ("the digest is of something else", KEY, "hex_of(sha256(made.key))", "hex_of(sha256(letters))"),
    ("state is kept in the open", ARGUMENTS, 'if (const char* dir = std::getenv("STATE_DIRECTORY")) return dir;', ""),
    ("state has no folder of its own", ARGUMENTS, 'std::string(dir) + "/rouse"', "std::string(dir)"),
    ("wol-proxy's time is lost", WOL, 'if (!options.timeout.empty()) out += fmt::format("      timeout: {}s\\n", options.timeout);', ""),
    # --- wake
    ("flags do not win", TARGET, "if (!flags.port.empty()) plan.ports = given.plan.ports;", ""),
    ("a card that is given comes on top", TARGET, "if (!flags.mac.empty()) plan.macs = given.plan.macs;",
     "if (!flags.mac.empty()) plan.macs.insert(plan.macs.end(), given.plan.macs.begin(), given.plan.macs.end());"),
    ("--raw is for nobody", TARGET, "if (flags.raw) plan.raw = true;", ""),
    ("the timeout of the file stays", TARGET, "if (!flags.timeout.empty()) wake.timeout = given.timeout;", ""),
    ("cards that were learned are forgotten", TARGET, "if (std::find(known.begin(), known.end(), mac) == known.end()) wake.plan.macs.push_back(mac);", ""),
    ("one path has a hook beside it", TARGET, "bare.hook.reset();", ""),
    ("each path broadcasts, too", TARGET, "bare.broadcasts = false;", ""),
    ("paths of packets need no card", TARGET, "!plan.macs.empty()", "true"),
    ("pauses of no time", TARGET, "pause && pause->count() >= 1000", "pause.has_value()"),
    ("a test needs nobody to ask", TARGET, "problems.empty() && options.test && !target.url", "false"),
    ("the peer's key is used", TARGET, "if (!options.key.empty()) target.key = options.key;", ""),
    ("a wake without a way is one", TARGET, "problems.empty() && !target.plan.has_path()", "false"),
    ("a name is not guessed", TARGET, "names.push_back(name);", ";"),
    ("what was told is told again", REPORT, "if (!is_news) return;", ""),
    ("a script hears lines", REPORT, "  if (json_) return;\n  std::fputs", "  if (!MUTANT && json_) return;\n  std::fputs"),
    ("a test of one that is awake is a wake", REPORT, "end.already && end.is_test", "false"),
    ("whatever was tried was sent", REPORT, "return each.second.last.ok;", "return true;"),
    ("a script hears of no path", REPORT, 'json.member("times", path.times);', 'json.member("times", 0);'),
    # --- names
    ("a reload forgets what runs", NAMES, "is_same ? selectors_[name]", "is_same && !MUTANT ? selectors_[name]"),
    ("a selector that changed counts as before", NAMES, "before->second.targets == selector.targets &&", "(MUTANT || before->second.targets == selector.targets) &&"),
    ("a profile that has gone is active", NAMES, "is_told || has_gone", "is_told"),
    ("who was chosen is not counted", NAMES, "found.lease = Lease(selector, *chosen);", ""),
    ("who has ended is counted", NAMES, "if (selector_) selector_->ended(target_);", ""),
    ("a look knows no profile", NAMES, "copy.active_ = active_;", ""),
    ("a look knows no counts", NAMES, "*copy.selectors_.at(name) = *selector;", ""),
    ("an unknown profile is switched on", NAMES, "!profile.empty() && !config_->profiles.contains(profile)", "false"),
    ("who is starting is ready", NAMES, "return core::TargetState::Starting;", "return core::TargetState::Ready;"),
    ("warm is the first", NAMES, "return core::Selector::Strategy::Warm;", "return core::Selector::Strategy::Pin;"),
    ("targets elsewhere are here", NAMES, "states.push_back(model == nullptr ? core::TargetState::Remote : state_of(model->id));",
     "states.push_back(model == nullptr ? core::TargetState::Ready : state_of(model->id));"),
    ("no target is the first", NAMES, "if (!chosen) {", "if (!MUTANT && !chosen) {"),
    ("names that are hidden are told", NAMES, "if (!model.unlisted && (!may_know || may_know(id))) names.push_back(id);", "names.push_back(id);"),
    ("what is left out is not counted", NAMES, "names.size() > shown", "false"),
    ("a name has any length", NAMES, "name.substr(0, 100)", "name"),
]
