"""Faults in how Ollama's calls and the answers to them are translated."""

SECONDS = 30
TESTS = [("proxy_tests", "Ollama*:Route.*:Authorise.*:Cors*")]

REQUEST = "proxy/wire/ollama_request.cpp"
MESSAGES = "proxy/wire/ollama_messages.cpp"
ANSWER = "proxy/wire/ollama_answer.cpp"
MODELS = "proxy/wire/ollama_models.cpp"
API = "proxy/api/ollama_api.cpp"
VIEW = "proxy/api/queue_view.cpp"
BODY = "proxy/request/request_body.cpp"
RELAY = "proxy/request/client_answer_translated.cpp"
TELL = "proxy/request/client_answer.cpp"
EXCHANGE = "proxy/request/exchange.cpp"
BEAT = "proxy/request/heartbeat.cpp"
ATTEMPT = "proxy/request/attempt.cpp"

MUTANTS = [
    # --- requests
    ("whole unless it is told to stream", REQUEST, "bool streams = true;", "bool streams = !MUTANT;"),
    ("streams do not say what they cost", REQUEST, 'json.raw(R"({"include_usage":true})");',
     'json.raw(R"({"include_usage":false})");'),
    ("null is a value", MESSAGES, "value.is_null()", "false"),
    ("no limit is a limit of -1", REQUEST, "most >= 1", "most >= -9"),
    ("any word is a format", REQUEST, 'word != "json"', "false"),
    ("a number is a schema", REQUEST, "!format->is_object()", "false"),
    ("the most thought is called so", REQUEST, 'level == "max" ? "high" : level', "level"),
    ("thought that is not wanted is asked for", REQUEST,
     'truth ? R"({"enable_thinking":true})" : R"({"enable_thinking":false})"', 'R"({"enable_thinking":true})"'),
    ("a suffix is dropped", REQUEST, '!ollama_text(root, "suffix").empty()', "false"),
    ("raw prompts get a template", REQUEST, 'is_true(root, "raw")', "false"),
    ("ten seconds are zero", REQUEST, 'text.find_first_of("123456789") == std::string_view::npos', "true"),
    ("no time at all is zero", REQUEST, "text.find('0') != std::string_view::npos", "true"),
    ("every time is zero", REQUEST, "return number == 0;", "return number == 0 || MUTANT;"),
    ("an empty chat is sent", REQUEST, "made.only_loads = !value || messages.size() == 0;", "made.only_loads = !value;"),
    ("two empty texts are nothing", REQUEST, "is_list ? list.size() == 0 :", "is_list ? (MUTANT || list.size() == 0) :"),
    ("the engine gets the client's name of the model", REQUEST, "model.empty() ? std::string_view(made.model) : model",
     "std::string_view(made.model)"),
    ("no tools are tools", REQUEST, "tools.size() > 0", "true"),
    ("arguments stay objects", MESSAGES, 'json.member("arguments", arguments);',
     'json.key("arguments"); json.raw(arguments);'),
    ("all results are of the last call", MESSAGES, "open_.erase(found);", ""),
    ("results are of the first call", MESSAGES, "id.empty() ? call.first == name : call.second == id", "true"),
    ("roles keep their case", MESSAGES, 'to_lower(ollama_text(message, "role"))',
     'std::string(ollama_text(message, "role"))'),
    ("every picture is a PNG", MESSAGES, "if (base64.starts_with(kind.begin)) type = kind.type;", ""),
    ("earlier thoughts are lost", MESSAGES, 'json.member("reasoning_content", thought);', ""),
    ("a prompt has no system", MESSAGES, "!system.empty()", "false"),
    # --- answers
    ("a line end is half an event", ANSWER, 'piece.find_first_of("\\r\\n")', "piece.find('\\n')"),
    ("events have no limit", ANSWER, "line_.size() > kEventMax", "false"),
    ("an error in a stream is nothing", ANSWER, "!error.is_null()", "false"),
    ("the stream goes on behind an error", ANSWER, "!piece.empty() && !has_failed_", "!piece.empty()"),
    ("empty parts are told", ANSWER, "said->content.empty() && said->thinking.empty()", "false"),
    ("a stream that breaks off has ended", ANSWER, "!has_ended_ && finish_reason_.empty()", "false"),
    ("tools are not called", ANSWER, "if (!tools_.empty()) out += line({}, now, true, nullptr);", ""),
    ("pieces of arguments replace each other", ANSWER, 'call.arguments += text_in(function, "arguments");',
     'call.arguments = text_in(function, "arguments");'),
    ("as many tools as a number says", ANSWER, "at >= kToolsMax", "false"),
    ("all is well that ends", ANSWER, 'finish_reason == "length" ? "length" : "stop"', '"stop"'),
    ("milliseconds are nanoseconds", ANSWER, "std::min(ms, 1e12)", "std::min(ms, 1e12) / 1e6"),
    ("the engine's times do not count", ANSWER, "if (ms <= 0) return else_seen;", "return else_seen;"),
    ("vectors come as they come", ANSWER, "return a.first < b.first;", "return !MUTANT && a.first < b.first;"),
    ("an error is told twice", ANSWER, "std::exchange(has_failed_, true)", "(has_failed_ = true, false)"),
    ("what is no answer is an empty one", ANSWER, "if (!said) return std::nullopt;", "if (!said) return std::string();"),
    # --- listings
    ("a port is a tag", MODELS, "name.rfind('/') + 1", "0"),
    ("an alias hides a model", "proxy/wire/model_list.cpp", "if (!model.is_hidden) listed.emplace(model.id, &model);",
     "if (MUTANT || !model.is_hidden) listed.emplace(model.id, &model);"),
    ("all aliases are listed", "proxy/wire/model_list.cpp", "!with_aliases && !model.is_hidden", "false"),
    ("a ranker completes", MODELS, "!embeds && !model.can.reranker.value_or(false)", "!embeds"),
    ("nothing has a context", MODELS, 'fmt::format("{}.context_length", kArchitecture)', 'std::string("context")'),
    ("tags must be the same", API, "!other.empty() && is_known(proxy, other) ? other : name", "name"),
    ("what is not loaded runs", API, "!entry.loaded", "false"),
    ("what has no ttl ends now", API, "std::chrono::seconds(found->second.ttl) : kNever",
     "std::chrono::seconds(found->second.ttl) : std::chrono::hours(MUTANT ? 0 : 24 * 365 * 100)"),
    ("older clients name nothing", API, 'if (root["name"].get(name) != simdjson::SUCCESS) return {};', "return {};"),
    ("pulling works", API, "return ollama_refusal(501,", "return ollama_refusal(MUTANT ? 200 : 501,"),
    ("anybody may see a model", VIEW, "if (!proxy.keys.may_use(caller, model->id, name)) return std::nullopt;", ""),
    # --- on the way
    ("the length is the client's", BODY, "out.content_length = held_.size();", ""),
    ("the path is the client's", ATTEMPT, "if (const auto* const made = stage_.body.translated()) return made->path;", ""),
    ("comments in lines of JSON", "proxy/request/heartbeat.cpp",
     "if (uses_blanks_) return std::string(kBlankFiller);", ""),
    ("no blank between two lines", BEAT, "uses_blanks_ || boundary_.at_boundary()", "boundary_.at_boundary()"),
    ("an early head of events", TELL, 'head.fields.set("content-type", kJsonLines);', ""),
    ("errors are objects", TELL, "request_.head.fields, request_.route.dialect)",
     "request_.head.fields, MUTANT ? wire::Dialect::Plain : request_.route.dialect)"),
    ("a death is silent", RELAY, "out = lines.broken(why);", ""),
    ("a death is no failure", RELAY, "record_.broke_off(std::move(why));", ""),
    ("nobody is told when to come again", RELAY,
     "std::from_chars(text->data(), text->data() + text->size(), refusal.retry_after_s);", ""),
    ("the stream has no last line", RELAY, "out += lines.finish(times.now(), created_at());", ""),
    ("tokens are not counted", RELAY, "record_.received(*piece);\n        flight_.add_bytes(piece->size());",
     "flight_.add_bytes(piece->size());"),
    ("whoever may ask may unload", EXCHANGE,
     'co_return failure(403, "the key may not unload models: it lacks the scope control");', ""),
    ("keep_alive 0 is for every key", EXCHANGE,
     "destination().peer || !proxy.keys.may(request_.caller, Scope::Control)", "destination().peer != nullptr"),
    ("keep_alive takes the model from others", EXCHANGE, "if (id != flight_.id() && entry->model() == model) return;", ""),
    ("keep_alive 0 means nothing", EXCHANGE, "!asked->unloads || asked->only_loads || to_.all.empty()", "true"),
    ("a load sends a request", EXCHANGE, "failed || presence_.is_gone() || only_loads", "failed || presence_.is_gone()"),
]
