"""Faults in how the configuration is read, and in what is said of it."""

SECONDS = 30
TESTS = [("proxy_tests", "Config*:*/ConfigFault.*:Macros.*:Ports.*:Environment.*:ReadWake*:*/ReadWakeFault.*:ReloadRule.*:"
                         "CommandLine.*:CorsConfig.*:KeyConfig.*:*/ConfigMistake*")]

COMMAND = "proxy/config/command_line.cpp"
CONFIG = "proxy/config/config.cpp"
LOAD = "proxy/config/load.cpp"
FAULTS = "proxy/config/macro_faults.cpp"
SCOPE = "proxy/config/macro_scope.cpp"
MACROS = "proxy/config/macros.cpp"
MERGE = "proxy/config/merge.cpp"
KEYS = "proxy/config/read_keys.cpp"
FILTERS = "proxy/config/read_filters.cpp"
MODELS = "proxy/config/read_models.cpp"
REMOTE = "proxy/config/read_remote.cpp"
ROUTING = "proxy/config/read_routing.cpp"
WAKE = "proxy/config/read_wake.cpp"
RELOAD = "proxy/config/reload_rule.cpp"
TEXT = "proxy/config/text_faults.cpp"

MUTANTS = [
    # --- commands
    ("single quotes are letters", COMMAND, "if (c == '\\'') return take_single_quoted();", ""),
    ("every backslash in quotes goes", COMMAND,
     'if (std::string_view("$`\\"\\\\").find(escaped) == std::string_view::npos) add(\'\\\\\', kPlain);', ""),
    ("a comment may not be indented", COMMAND, "first != std::string_view::npos && line[first] == '#'", "line.starts_with('#')"),
    # --- the top
    ("nothing is kept in memory", CONFIG, "if (config.metrics_max_in_memory <= 0) config.metrics_max_in_memory = 1000;", ""),
    ("samples as often as anybody wants", CONFIG, "every < std::chrono::seconds(5) && every.count() != 0", "false"),
    ("a header is named twice", CONFIG, "seen.insert(lowered_and_trimmed(name)).second", "true"),
    ("a pattern that is none is one", CONFIG, "!pattern->ok()", "false"),
    ("comments without a pause", CONFIG, "config.waiting.keep_alive < std::chrono::milliseconds(10)", "false"),
    ("heads larger than what is parsed", CONFIG, "config.limits.head_max > 64 * 1024", "false"),
    ("a key needs no certificate", CONFIG, "config.tls.cert.empty() && !config.tls.key.empty()", "false"),
    ("TLS 1.3 is 1.2", CONFIG, 'if (tls.text("minVersion", "1.2") == "1.3") config.tls.least = TlsVersion::Tls13;', ""),
    ("a socket anywhere", CONFIG, "!config.power.socket.empty() && !config.power.socket.starts_with('/')", "false"),
    ("what was loaded does not come back", CONFIG, "config.power.load_last = true;", ""),
    ("a health check of no time", CONFIG, 'std::max(15, top.number("healthCheckTimeout", 120))', 'top.number("healthCheckTimeout", 120)'),
    ("groups are no guests", CONFIG, "!config.power.users.empty() || !config.power.groups.empty()", "!config.power.users.empty()"),
    ("an alias is a part of a name", CONFIG, "at_start ? name == part : name.ends_with(part)", "name.ends_with(part)"),
    ("a pattern may begin anywhere", CONFIG, "at_start ? (name.starts_with(part) ? 0 : name.npos) : name.find(part)", "name.find(part)"),
    # --- files
    ("files of any size", LOAD, 'if (size > kFileMax) return refuse("is larger than 16 MiB");', ""),
    (".yml is no end", LOAD, 'extension == ".yaml" || extension == ".yml"', 'extension == ".yaml"'),
    ("a file is read twice", LOAD, "std::erase_if(files, is_same) > 0", "(std::erase_if(files, is_same), false)"),
    ("what one file lacks is missing", LOAD, "!knows_all || files.empty()", "files.empty()"),
    ("names in a broken table are missing", LOAD, "if (has_names(root)) add_independent(problems, std::move(later));",
     "add_independent(problems, std::move(later));"),
    ("a list is never empty on purpose", LOAD, "node->is_list() && node->items.empty()", "false"),
    ("a link that is swapped is the same", LOAD, "::stat(path.c_str(), &seen) != 0", "::lstat(path.c_str(), &seen) != 0"),
    ("what is not set is looked up", LOAD, "if (looks_up_env) {", "if (MUTANT || looks_up_env) {"),
    ("values of two files differ in silence", MERGE, "into.text == more.text && into.quoted == more.quoted", "true"),
    ("a model is joined of two files", MERGE, "std::find(kOwned.begin(), kOwned.end(), path) != kOwned.end()", "false"),
    # --- macros
    ("a value by itself is a text", MACROS, "node.quoted = node.text == from ? macro.quoted : true;", "node.quoted = true;"),
    ("two models have one port", MACROS, "while (taken_.contains(next)) ++next;", ""),
    ("ports below the first are kept", MACROS, "kept != kept_.end() && kept->second >= first_port_", "kept != kept_.end()"),
    ("ports have no end", MACROS, "own > kPortMax", "false"),
    ("no model has a proxy of itself", MACROS, "if (!has_proxy) add_default_proxy(model);", ""),
    ("comments in cmdStop are read", MACROS, 'where.ends_with(".cmd") || where.ends_with(".cmdStop")', 'where.ends_with(".cmd")'),
    ("a macro may contain itself", SCOPE, "member.value.text.find(macro_reference(name)) == std::string::npos", "true"),
    ("names of macros have no limit", SCOPE, "name.size() <= kMacroNameMax", "true"),
    ("PORT may be a macro of one's own", SCOPE, 'name == "PID" || name == "PORT" || name == "MODEL_ID"', 'name == "PID" || name == "MODEL_ID"'),
    ("PID is known everywhere", FAULTS, 'below.ends_with(".cmdStop")', "true"),
    ("one fault is told for each place", FAULTS, "!names_it || !told_.emplace(user.path, used.name).second", "!names_it"),
    ("a macro of a model is further down", FAULTS,
     'used.path.starts_with("models.") && !user.path.starts_with("models.")', "false"),
    # --- keys
    ("a key may have blanks", KEYS, "key.text.find(' ') != std::string::npos", "false"),
    ("the key of nothing is a key", KEYS, '*digest == sha256("")', "false"),
    ("a key may be there twice", KEYS, "if (has(mine)) return &mine.name;", ""),
    ("PEER/MODEL fits no key", KEYS, 'glob.matches(model) || glob.matches(name + "/" + model)', "glob.matches(model)"),
    ("a day is no time", KEYS, 'text.size() == kDateSize ? text + "T00:00:00Z" : text', "text"),
    ("a default port is another origin", KEYS, 'if (text.starts_with("https://") && text.ends_with(":443")) text.resize(text.size() - 4);', ""),
    ("an origin may have a path", KEYS, 'host.empty() || host.find_first_of("/?#@* \\t") != std::string_view::npos', "host.empty()"),
    # --- models
    ("the model can be stripped", FILTERS, '!name.empty() && name != "model"', "!name.empty()"),
    ("the model can be set", FILTERS, 'param.path != "model"', "true"),
    ("a variable may have no name", MODELS, "item.text.find('=') == std::string::npos || item.text.starts_with('=')",
     "item.text.find('=') == std::string::npos"),
    ("globalTTL is for nobody", MODELS, 'ttl < 0 ? top.seconds("globalTTL", 0) : std::chrono::seconds(ttl)', "std::chrono::seconds(ttl)"),
    ("a model's health check of no time", MODELS, "std::max(health, 15)", "health"),
    ("no limit is none at all", MODELS, "limit <= 0 ? kDefaultConcurrency : limit", "limit"),
    ("ComfyUI is as others", MODELS, "std::max(model.concurrency_limit, kComfyUiConcurrency)", "model.concurrency_limit"),
    ("the first pattern wins", MODELS, "literal_size(other) < literal_size(made)", "false"),
    ("a star takes every name", MODELS, "literal_size(made) == 0", "false"),
    ("an alias leads to two models", MODELS, "!fresh && it->second != id", "false"),
    # --- peers, selectors, profiles
    ("a name of two peers is that of the first", REMOTE, "it == bare_.end() || it->second.size() != 1", "it == bare_.end()"),
    ("auto beside names is a name", REMOTE, '!section.is_given("models") || std::erase(peer.models, "auto") > 0', '!section.is_given("models")'),
    ("a probe may go anywhere", REMOTE, "!peer.probe_path.empty() && !peer.probe_path.starts_with('/')", "false"),
    ("who sleeps is waited for as others", REMOTE, 'peer.timeouts.connect = section.section("timeouts").seconds("connect", 1);', ""),
    ("who sleeps is connected as others", REMOTE, "peer.endpoint.may_sleep = true;", ""),
    ("warm takes other machines", REMOTE, "!local && selector.strategy == SelectorConfig::Strategy::Warm", "false"),
    ("a target is there twice", REMOTE, "!models.insert(name).second", "(models.insert(name), false)"),
    ("peers have no order", REMOTE, "peer.order = static_cast<int>(config.peers.size());", ""),
    ("a pin hides a peer's model", REMOTE, "peers.has_full(pin.key)", "false"),
    # --- who stands beside whom
    ("groups let each other be", ROUTING, 'entry.truth("exclusive", true)', 'entry.truth("exclusive", false)'),
    ("aliases are no variables", ROUTING, "model = it->second;", ";"),
    ("groups and matrix go together", ROUTING, 'top.is_given("groups") && top.is_given("matrix")', "false"),
    ("nobody's priority", ROUTING, "config.find_exact(member.key) == nullptr", "false"),
    ("a priority may be a word", ROUTING, "const auto priority = int_of(text);",
     "const auto priority = MUTANT ? std::optional(int_of(text).value_or(0)) : int_of(text);"),
    # --- waking
    ("port 0", WAKE, "error != std::errc{} || last != end || port == 0", "error != std::errc{} || last != end"),
    ("a wake of no time", WAKE, "value < kTimeoutLeast", "false"),
    ("a length of one's own", WAKE, 'equal_without_case(member.key, "content-length")', "false"),
    ("a field may be two", WAKE, 'member.value.text.find_first_of("\\r\\n") != std::string::npos', "false"),
    ("a token may have blanks", WAKE, 'relay.token.find_first_of(" \\t\\r\\n") != std::string::npos', "false"),
    ("an address with a token is shown", WAKE,
     'message.starts_with(shown) ? message.substr(shown.size()) : "is no address of a server"', "message"),
    ("names of interfaces have no limit", WAKE, "plan.interface.size() < IFNAMSIZ", "true"),
    ("a hook asks for the root", WAKE, '(has_path ? place.substr(path) : "/")', 'std::string("/")'),
    ("cards are looked for though one is named", WAKE, 'wake.learns_macs = !section.is_given("mac");', "wake.learns_macs = true;"),
    # --- reloads and texts
    ("keys that go on purpose are missed", RELOAD, '!is_meant("keys") && !is_meant("apiKeys")', '!is_meant("keys")'),
    ("peers go without a word", RELOAD, '!running.peers.empty() && config.peers.empty() && !is_meant("peers")', "false"),
    ("letters need no escape", TEXT, "c <= ' ' || c >= 0x7f", "c <= ' '"),
    ("one digit is enough", TEXT, "is_hex(text, at + 1) && is_hex(text, at + 2)", "is_hex(text, at + 1)"),
    # --- what llama-swap has had since
    ("a mark is a part of the name", "proxy/config/read_filters.cpp", "param.if_absent = take_mark(param.path);", ""),
    ("an escaped mark is one", "proxy/config/read_filters.cpp", "if (slashes % 2 != 0) return false;", ""),
    ("objects are set whole", "proxy/config/read_filters.cpp", "!value.is_map() || value.members.empty()", "true"),
    ("every name of a profile will do", "proxy/config/config.cpp",
     "config.startup_profile.empty() || config.profiles.contains(config.startup_profile)", "true"),
    ("the baseline is not loaded at the start", "proxy/config/config.cpp",
     "if (model.baseline && !is_there) config.preload.push_back(id);", ""),
    ("a command ends with an empty word", "proxy/config/command_line.cpp", "bare.ends_with('\\\\')",
     "(!rest.substr(line.size()).empty() && bare.ends_with('\\\\'))"),
    ("the port does not stand in names", "proxy/config/macros.cpp",
     'substitute(key, path + ".filters.setParamsByID", own_port);', ""),
    ("names that no peer has are not warned of", "proxy/config/read_remote.cpp", "if (fits) return;", "return;"),
    ("any default model will do", "proxy/config/read_remote.cpp", "if (!is_known) top.fault", "if (!MUTANT && !is_known) top.fault"),
    ("a star may have credentials", "proxy/config/read_keys.cpp", "config.cors_credentials && !has_names", "false"),
    ("what waits may be less than a body", CONFIG, "config.limits.held_max < config.limits.body_max", "false"),
    ("a large body makes no room for itself", CONFIG,
     "std::max(config.limits.held_max, config.limits.body_max)", "config.limits.held_max"),
]
