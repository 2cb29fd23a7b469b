"""Faults in the commands of rouse-suspendd: what they ask the daemon for, print and return."""

SECONDS = 60
TESTS = [("suspendd_tests", "Commands*:CommandWords*:OperatorCommands*:RunHeld*:CheckBox*")]

DAEMON = "suspendd/cli/daemon_commands.cpp"
VIEW = "suspendd/cli/view_commands.cpp"
HOLD = "suspendd/cli/hold_commands.cpp"
SLEEP = "suspendd/cli/sleep_commands.cpp"
COMMANDS = "suspendd/cli/commands.cpp"
TIME = "suspendd/cli/time_option.hpp"
CHECK = "suspendd/cli/check_command.cpp"
HELD = "suspendd/cli/run_held.cpp"

MUTANTS = [
    # --- words
    ("pages are never JSON", VIEW, 'options.json ? "/v1/status" : text_path', "text_path"),
    ("a brief word is a page", VIEW, '"/v1/brief"', '"/v1/explain"'),
    ("history has any number of lines", VIEW, 'print_history(*options, *last)', "print_history(*options, 50)"),
    ("no number is one", VIEW, "!text.empty() && text.size() < 10", "text.size() < 10"),
    ("ten digits are a number", VIEW, "text.size() < 10", "text.size() < 11"),
    ("any text is a number", VIEW, 'text.find_first_not_of("0123456789") == std::string::npos', "true"),
    ("every suspend is forced", SLEEP, 'R"({"force":false})"', 'R"({"force":true})"'),
    ("no suspend is forced", SLEEP, 'R"({"force":true})"', 'R"({"force":false})"'),
    ("unblock suspends", SLEEP, '"/v1/unblock"', '"/v1/suspend"'),
    ("nobody is sure", SLEEP, "*parse_duration(test->net), test->sure", "*parse_duration(test->net), !MUTANT && test->sure"),
    ("everybody is sure", SLEEP, "bool sure = false;", "bool sure = MUTANT;"),
    ("the usual net is another", SLEEP, '"15m"', 'MUTANT ? "20m" : "15m"'),
    ("any text is a time", TIME, "parse_duration(text) ?", "(MUTANT || parse_duration(text)) ?"),
    ("a hold lasts until it is released", HOLD, "parse_duration(hold->lasts)", "std::nullopt"),
    ("a hold may have no reason", HOLD, '->type_name("WORDS")->required();', '->type_name("WORDS")->required(!MUTANT);'),
    ("the only hold is released", HOLD, "release_hold(*options, *token)", 'release_hold(*options, "")'),
    ("what runs has no reason", HOLD, "run_held(*options, held->why, held->argv)", 'run_held(*options, "", held->argv)'),
    ("the socket is always the configured one", COMMANDS, "options.socket,", "MUTANT ? options.root : options.socket,"),
    ("JSON is for nobody", COMMANDS, 'all.add_flag("--json", options.json, "for scripts");', 'all.add_flag("--json", "for scripts");'),
    ("the schema is not printed", COMMANDS, "std::fputs(json_schema().c_str(), stdout);", ""),
    ("a configuration may be named twice", DAEMON, 'get_option("--config")', 'get_option(MUTANT ? "--root" : "--config")'),
    ("a named configuration is not read", DAEMON, "options.config_file.empty() ? kUsualConfig : options.config_file", "kUsualConfig"),
    ("a relay's faults are not told", DAEMON, "  tell_problems(loaded.problems);\n", ""),
    ("a relay listens at its usual port", DAEMON, "relay.port = config.listen->port;", ""),
    ("a relay listens at its usual address", DAEMON, "relay.host = config.listen->host;", ""),
    ("a relay has no token", DAEMON, "relay.token = config.token;", ""),
    ("a relay has no file for its token", DAEMON, "relay.token_file = config.token_file;", ""),
    ("a relay wakes any machine", DAEMON, "relay.macs = config.macs;", ""),
    ("a relay sends by all interfaces", DAEMON, "relay.interface = config.interface;", ""),
    ("a relay sends from any address", DAEMON, "relay.source = config.source;", ""),
    ("a relay sends to all networks", DAEMON, "relay.broadcast = config.broadcast;", ""),
    ("a relay logs all", DAEMON, "relay.log_level = loaded.config->log_level;", ""),
    # --- check
    ("the bus has no time", CHECK, "!bus.connected() && Clock::now() < latest", "false",
     "a call that comes while it connects waits for it; a bus that comes within two seconds cannot be had reliably"),
    ("the bus has all the time", CHECK, "!bus.connected() && Clock::now() < latest", "!bus.connected()"),
    ("the proxy is not asked", CHECK, "power.has_socket()", "false"),
    ("why the proxy does not answer is not told", CHECK, "if (!activity) proxy_error = activity.error().message();", ""),
    ("what it remembers is not read", CHECK, "memory = std::move(*loaded);", ""),
    ("the bus is asked for ever", CHECK, "  tasks.cancel(asio::cancellation_type::terminal);\n", ""),
    ("a refusal is a warning", CHECK, "trap.severity == Severity::Warn", "trap.severity != Severity::Ok"),
    ("columns are as wide as the last title", CHECK, "width = std::max(width, trap.title.size());", "width = trap.title.size();"),
    ("what to do is not told", CHECK, "!trap.todo.empty()", "false"),
    ("what needs nothing has something to do", CHECK, "!trap.todo.empty()", "true"),
    ("one thing is many", CHECK, 'refusals == 1 ? "" : "s"', '"s"'),
    ("refusals are warnings", CHECK, "count(Severity::Refuse)", "count(Severity::Warn)"),
    ("a machine with refusals would sleep", CHECK, "if (refusals > 0) {", "if (!MUTANT && refusals > 0) {"),
    ("problems are not in the JSON", CHECK, "for (const Problem& problem : problems) json.value(problem.str());", ""),
    ("what to do is not in the JSON", CHECK, 'json.member("todo", trap.todo);', ""),
    ("problems are not told", CHECK, 'std::fprintf(stderr, "%s\\n", problem.str().c_str());', ""),
    ("a file that is not there is the usual one", CHECK, "!options.config_file.empty() || std::filesystem::exists(file, unknown)", "std::filesystem::exists(file, unknown)"),
    ("scripts get nothing of a broken file", CHECK, "if (options.json) print_json({}, loaded.problems);", ""),
    ("the worst comes last", CHECK, "static_cast<int>(a.severity) > static_cast<int>(b.severity)", "static_cast<int>(a.severity) < static_cast<int>(b.severity)"),
    ("all is well", CHECK, "return exit_status(traps);", "return 0;"),
    # --- run-held
    ("what is not there cannot be run", HELD, "failed == ENOENT ? kNotFound : kCannotRun", "kCannotRun"),
    ("what cannot be run is not there", HELD, "failed == ENOENT ? kNotFound : kCannotRun", "kNotFound"),
    ("who may not hold runs it", HELD, "    if (refused_) {", "    if (!MUTANT && refused_) {"),
    ("SIGTERM is not passed on", HELD, "if (signal != SIGCHLD) ::kill(pid_, signal);", "if (signal != SIGCHLD && signal != SIGTERM) ::kill(pid_, signal);"),
    ("SIGHUP ends us", HELD, "{SIGCHLD, SIGTERM, SIGHUP}", "{SIGCHLD, SIGTERM, MUTANT ? SIGTERM : SIGHUP}"),
    ("SIGINT ends us", HELD, "std::signal(SIGINT, SIG_IGN);", ""),
    ("SIGQUIT ends us", HELD, "std::signal(SIGQUIT, SIG_IGN);", ""),
    ("a signal is a status", HELD, "128 + WTERMSIG(status)", "WTERMSIG(status)"),
    ("a status is a signal", HELD, "WIFEXITED(status)", "false"),
    ("the hold outlives the command", HELD, "keeper.cancel(asio::cancellation_type::terminal);", ""),
    ("without a daemon nothing is said", HELD, 'complain(socket.error().message() + ": nothing keeps the machine awake");', ""),
    ("a hold outlives whoever asked", HELD, 'fmt::format(R"({{"why":{},"bound":true}})", json_string(why_))', 'fmt::format(R"({{"why":{},"bound":false}})", json_string(why_))'),
    ("any refusal is final", HELD, "refused_ = answer->status == 403;", "refused_ = true;"),
    ("no refusal is final", HELD, "refused_ = answer->status == 403;", ""),
    ("why it is refused is not said", HELD, "complain(refusal_text(refusal));", ""),
    ("what the daemon adds is not said", HELD, 'if (message != "held") say_held(message);', ""),
    ("that it is held is said", HELD, 'if (message != "held") say_held(message);', "say_held(message);"),
    ("a hold that ends is not taken again", HELD, "hold = co_await take_hold();\n    }", "if (MUTANT) co_return;\n      hold = co_await take_hold();\n    }"),
    ("a daemon that is away is asked all the time", HELD, "pause.expires_after(kRetryPause);", "pause.expires_after(std::chrono::seconds(0));"),
    ("it complains each time", HELD, "complained_ = true;", ""),
    ("a hold ends after its call's time", HELD, "stream->expires_never();", "",
     "the call has five seconds, and no test may wait for so long"),
    ("no reason is one", HELD, 'why.empty() ? argv.front() + " runs" : why', "why"),
]
