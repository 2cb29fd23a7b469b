"""Faults in what is known of what models can do."""

SECONDS = 30
TESTS = [("proxy_tests", "Capabilities.*:EngineAnswers.*:ListedCapabilities.*:CommandCapabilities.*:KnownCapabilitiesTest.*:"
                         "DigestOfLaunch.*"),
         ("integration_tests", "Capabilities.*")]

WHAT = "proxy/wire/capabilities.cpp"
JSON = "proxy/wire/capabilities_json.cpp"
ANSWERS = "proxy/wire/engine_answers.cpp"
COMMAND = "proxy/config/command_capabilities.cpp"
MEMORY = "proxy/capabilities/answer_memory.cpp"
KNOWN = "proxy/capabilities/known_capabilities.cpp"
EXCHANGE = "proxy/request/exchange.cpp"
VIEW = "proxy/api/queue_view.cpp"
PEER = "proxy/peers/peer.cpp"
PEERS_VIEW = "proxy/peers/peers_view.cpp"
EVENTS = "proxy/api/event_stream.cpp"

MUTANTS = [
    # --- the order of the sources
    ("the command goes before the engine", WHAT, "complete(known, sources.said);", ""),
    ("the command says nothing", WHAT, "complete(known, sources.command);", ""),
    ("vectors call tools", WHAT, "known.tools = sources.typed.tools;", ""),
    ("vectors are texts", WHAT, "known.out = sources.typed.out;", ""),
    ("two have the larger context", WHAT, "std::min(one.context, other.context)",
     "std::max(one.context, other.context)"),
    ("in common is the greater context", WHAT, "std::min(one.context, other.context)", "std::max(one.context, other.context)"),
    ("to promise less is a mistake", WHAT, "typed.context > said.context", "typed.context != said.context"),
    ("pictures that nobody sees are believed", WHAT, "if (said.in.empty() || said.takes(modality)) continue;",
     "continue;"),
    ("tools that nobody calls are believed", WHAT, "!said.tools.value_or(true)", "false"),
    # --- what servers say
    ("a context may be negative", JSON, "number > 0 && number <= std::numeric_limits<int>::max()",
     "number <= std::numeric_limits<int>::max()"),
    ("vLLM has no context", JSON, 'entry["max_model_len"],', 'entry[MUTANT ? "none" : "max_model_len"],'),
    ("smells are passed on", JSON, "if (is_known && std::find(list.begin(), list.end(), name) == list.end()) list.emplace_back(name);",
     "list.emplace_back(name);"),
    ("what is false is true", JSON, "if (is_true(Found(element(value)))) names.push_back(key);", "names.push_back(key);"),
    ("nobody sees", JSON, 'if (is_true(modalities["vision"])) can.in.emplace_back("image");', ""),
    ("templates call no tools", JSON, 'is_true(of_template["supports_tools"])', "false"),
    ("another model is meant", ANSWERS, "return each.id == name;", "return true;"),
    ("the list goes before the slot", ANSWERS, "Capabilities said = read_props(answers.props);",
     "Capabilities said = MUTANT ? Capabilities() : read_props(answers.props);"),
    ("a page is an answer", KNOWN, "answer->status == 200 && wire::is_json_object(answer->body)", "answer->status == 200"),
    # --- what commands say
    ("a processor is a context", COMMAND, 'tokens >= kLlamaBlock || value == "0"', "true"),
    ("every slot has all of it", COMMAND, "slots_ > 1 && !is_unified_", "false"),
    ("slots share nothing", COMMAND, "slots_ > 1 && !is_unified_", "slots_ > 1"),
    ("vLLM has slots", COMMAND, "      is_llama_context_ = false;\n", ""),
    ("underscores are no dashes", COMMAND, "std::replace(name.begin(), name.end(), '_', '-');", ""),
    ("the environment comes last", COMMAND, "for (const std::string& setting : model.env) reader.read_env(setting);", ""),
    # --- asking and remembering
    ("engines are not asked", KNOWN, "run->second.asking = tasks_.spawn(ask(id, run->second, change.endpoint));", ""),
    ("those that stop are still asked", KNOWN, "run->second.asking.cancel(asio::cancellation_type::terminal);", ""),
    ("silence is an answer", KNOWN, "!cancelled && !answers.is_empty()", "!cancelled"),
    ("where it is off it is asked", KNOWN, "if (!run->second.config->models.at(id).may_ask_capabilities) return;", ""),
    ("where it is off the command is told", KNOWN, "if (model.may_ask_capabilities) {", "if (MUTANT || model.may_ask_capabilities) {"),
    ("an outdated engine is believed", KNOWN, "model == models_.end() || model->second.digest != digest",
     "model == models_.end()"),
    ("another command is not asked anew", KNOWN, "model == models_.end() || model->second.digest != each.second.digest",
     "model == models_.end()"),
    ("those that have left stay in the file", KNOWN, "if (gone > 0) remember();", ""),
    ("a contradiction is told each time", KNOWN, "if (!told_.insert(text).second) continue;", ""),
    ("no news are told", KNOWN, "resolve(id) && on_change_", "(resolve(id), static_cast<bool>(on_change_))"),
    ("nothing is kept", KNOWN, "std::move(answers)};\n  remember();", "std::move(answers)};\n  if (!MUTANT) remember();"),
    ("models may have no name", JSON, "entry[\"id\"].get(id) != simdjson::SUCCESS || id.empty()",
     "entry[\"id\"].get(id) != simdjson::SUCCESS"),
    ("everybody may read it", MEMORY, "0600", "0644"),
    ("a port is another command", MEMORY, "if (!port) return text;", "return text;"),
    ("any digits are a port", MEMORY, "if (is_whole) text.replace(at, digits.size(), kPort);",
     "text.replace(at, digits.size(), kPort);"),
    ("secrets are in the digest", MEMORY, "is_option ? setting : setting.substr(0, setting.find('='))", "setting"),
    # --- telling
    ("who looks is refused", EXCHANGE, "if (failed) remember_answer();", ""),
    ("a pin can do nothing", VIEW, "    entry.can = is_first ? can : wire::in_common(entry.can, can);\n", ""),
    ("peers can do nothing", PEERS_VIEW, "entry.can = peer->capabilities(model);", ""),
    ("events tell no context", EVENTS, "if (can.context > 0) json.member", "if (!MUTANT && can.context > 0) json.member"),
    ("a peer learns nothing later", PEER, "list_pause_ = std::min(2 * list_pause_, kLongestListPause);\n", "return;\n"),
]
