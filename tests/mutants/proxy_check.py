"""Faults in what `rouse check` finds and tells."""

SECONDS = 30
TESTS = [("proxy_tests", "Findings.*:StartObstacle.*:FindingLookTest.*:ShellSyntax.*:CheckReport*:StartLookTest.*:FindProgram.*:"
                         "MachineFiles.*")]

COMMANDS = "proxy/check/command_findings.cpp"
FINDING = "proxy/check/finding.cpp"
LOOK = "proxy/check/finding_look.cpp"
FINDINGS = "proxy/check/findings.cpp"
FILES = "proxy/check/machine_files.cpp"
MODELS = "proxy/check/model_files.cpp"
PORTS = "proxy/check/ports.cpp"
PROGRAM = "proxy/check/program.cpp"
REPORT = "proxy/check/report.cpp"
JSON = "proxy/check/report_json.cpp"
PARTS = "proxy/check/report_parts.cpp"
SHELL = "proxy/check/shell_syntax.cpp"
START = "proxy/check/start_look.cpp"
TIME = "proxy/check/time_text.cpp"

MUTANTS = [
    # --- commands
    ("--port= is no port", COMMANDS, 'text.starts_with("--port=")', "false"),
    ("what cannot stop refuses the start", COMMANDS, "fatal && !is_stop_", "fatal"),
    ("ports of containers are ours", COMMANDS, "*port == endpoint.port || runs_elsewhere(command_)", "*port == endpoint.port"),
    ("a script is sure to fail", COMMANDS, "const bool is_sure = !runs_script(command_, program);",
     "const bool is_sure = MUTANT || !runs_script(command_, program);"),
    ("a script does not start", COMMANDS, "command.open_quote != 0 || runs_script(command, program)", "command.open_quote != 0"),
    ("a relative path is whole", COMMANDS, "is_relative && !program.path.empty()", "false"),
    ("nobody is told what to do", FINDING, 'todo.empty() ? what : what + " -> " + todo', "what"),
    ("refusals are warnings", FINDING, "each.severity == Finding::Severity::Refuse", "false"),
    ("the newest look is not begun", LOOK, "if (next_ && !is_looking_) begin();", ""),
    ("files that do not answer are not told of", LOOK, "is_cancelled(state) && in_time", "is_cancelled(state)"),
    ("the end of the program tells something", LOOK, "if (is_cancelled(state) && in_time) co_return;", ""),
    # --- peers, keys, TLS
    ("keys do not expire", FINDINGS, "key.has_expired(place_.now)", "false"),
    ("a card that is learned is no way", FINDINGS, "plan.macs.empty() && !plan.hook && !wake.learns_macs",
     "plan.macs.empty() && !plan.hook"),
    ("nobody has to wake", FINDINGS, "wakes && !may_wake", "false"),
    ("nobody has to read captures", FINDINGS, "may_read = may_read || key.has(Scope::Captures);", "may_read = true;"),
    ("a certificate that is not there is", FINDINGS, "facts.kind == FileFacts::Kind::Missing", "false"),
    ("a certificate may be read by anybody", FINDINGS, "facts.kind == FileFacts::Kind::File && !facts.may_read", "false"),
    ("the address is told of where it is told already", FINDINGS, "!place_.tells_exposure ||", "(!MUTANT && !place_.tells_exposure) ||"),
    ("all stand side by side", FINDINGS, "loaded.insert(model);", ""),
    ("every file may be run", FILES, "(seen.st_mode & 0111) != 0", "true"),
    ("what may not be seen is missing", FILES, "errno == ENOENT || errno == ENOTDIR", "true"),
    ("a FIFO is waited for", FILES, "O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY", "O_RDONLY | O_CLOEXEC | O_NOCTTY"),
    # --- files of models
    ("what is fetched must be there", MODELS, "fetches || runs_elsewhere(command)", "runs_elsewhere(command)"),
    ("files of containers are ours", MODELS, "fetches || runs_elsewhere(command)", "fetches"),
    ("a folder is a file", MODELS, 'facts.kind == Kind::Folder && path.ends_with(".gguf")', "false"),
    ("what may not be seen may not be read", MODELS, "facts.kind != Kind::Unknown && !facts.may_read", "!facts.may_read"),
    ("an address is a file", MODELS, 'value.find("://") == std::string_view::npos', "true"),
    ("a variable is a file", MODELS, "!looks_like_file(path) || wants_shell(holder) || names_variable(path)", "!looks_like_file(path)"),
    ("env is a program", MODELS, "if (!is_listed(first, kPreparing)) return false;", "return false;"),
    # --- ports
    ("who never meets clashes", PORTS, "other != &model && config.residency->may_coexist(model.id, other->id)", "other != &model"),
    ("all ports are near", PORTS, "port < first || port >= first + kRoomToGrow", "port < first"),
    ("127.0.0.2 is elsewhere", PORTS, 'endpoint.host.starts_with("127.")', "false"),
    ("a peer may be ourselves", PORTS, "own == 0 || !is_here(peer.endpoint) || peer.endpoint.port != own", "true"),
    ("what has no command has a port", PORTS, "if (model.argv.empty()) continue;", ""),
    ("the fault is where the proxy is made", PORTS, "std::tie(a.file, a.line, a.column) == std::tie(b.file, b.line, b.column) ? cmd : proxy", "proxy"),
    # --- programs
    ("the last folder is told of", PROGRAM, "if (!refused) refused = not_runnable(path, facts, files);",
     "refused = not_runnable(path, facts, files);"),
    ("what may not be seen is not there", PROGRAM, "is_sure = false;", ""),
    ("-S is a program", PROGRAM, 'words[1] == "-S" ? 2 : 1', "1"),
    ("lines of Windows are fine", PROGRAM, "interpreter.ends_with('\\r')", "false"),
    ("a text is a program", PROGRAM, 'head.starts_with("#!") || !is_text(head)', "true"),
    ("any loader will do", PROGRAM, "!loader.empty() && !is_there(loader, files)", "false"),
    ("quotes are pasted as they are", PROGRAM, "c == '\\'' ? std::string(\"'\\\\''\") : std::string(1, c)", "std::string(1, c)"),
    ("scripts are programs", PROGRAM, 'found.is_script = head.starts_with("#!");', ""),
    ("env is not looked into", PROGRAM, "found.fault = env_fault(path, head, env, files);", ""),
    # --- the report
    ("expired keys are told as others", REPORT, 'key.has_expired(now) ? until + ", EXPIRED" : until', "until"),
    ("a name that is off has a target", REPORT, 'target.empty() ? pin + " is disabled" : pin + " -> " + target', 'pin + " -> " + target'),
    ("tokens have no limit", REPORT, "limits.tokens_per_minute > 0", "false"),
    ("what a peer lists is not told", REPORT, 'if (peer->learns_models) models += models.empty() ? "what it lists" : ", and what it lists";', ""),
    ("alternatives are all told", REPORT, 'if (expansion.more) out += "    … and more\\n";', ""),
    ("a script hears nothing of neighbours", JSON, 'write_texts(json, "beside", neighbours(config, id));', ""),
    ("a script hears of all alternatives", JSON, 'json.member("more", expansion.more);', 'json.member("more", false);'),
    ("peers have the order of the alphabet", PARTS, "a.second->order < b.second->order", "a.first < b.first"),
    ("frames without IP are not told", PARTS, 'if (plan.raw) ways.emplace_back("frames without IP");', ""),
    ("a model is its own neighbour", PARTS, "other != id && config.residency->may_coexist(id, other)", "config.residency->may_coexist(id, other)"),
    ("what nobody looked up is known", PARTS, "names_variable(model.proxy) || (!model.port && names_variable(model.cmd))", "false"),
    ("a day has a time", TIME, 'text.ends_with("T00:00:00Z") ? text.substr(0, kDaySize) : text', "text"),
    # --- shells
    ("the ; of find is a chain", SHELL, 'i + 1 == words.size() && live == ";"', "false"),
    ("a script of words is one word", SHELL, "words[2].text.find(' ') != std::string::npos", "false"),
    ("a ; at a word's end is a letter", SHELL, "(live.size() > 1 && live.ends_with(';'))", "false"),
    ("a tag is a redirection", SHELL, 'live.starts_with(\'<\') && !live.starts_with("<|")', "live.starts_with('<')"),
    ("a & at the end is a letter", SHELL, 'words.size() > 1 && words.back().live == "&"', "false"),
    ("backticks are letters", SHELL, "word.live.find('`') != std::string::npos", "false"),
    ("queries are patterns", SHELL, 'live.find("://") == std::string_view::npos', "true"),
    ("options are assignments", SHELL, "fits ? name : std::string_view()", "name"),
    # --- before a start
    ("an answer is for ever", START, "looks_.erase(model);", ""),
    ("each who asks looks", START, "looks_.emplace(model.id, mine);", ""),
    ("what was found is lost", START, "if (found) out->obstacle = std::move(*found);", ""),
]
