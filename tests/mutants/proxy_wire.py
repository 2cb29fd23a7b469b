"""Faults in how requests and answers are read and written: bodies, routes, errors, usage."""

SECONDS = 30
TESTS = [("proxy_tests", "AuxSigns.*:ErrorBody.*:ErrorAnswer.*:ErrorEvent.*:ErrorMessageIn.*:FormFinder.*:BodyModel.*:JsonEdit.*:"
                         "LoadingStream.*:*/Bodies.*:ModelFinder.*:*/Traces.*:ModelList.*:Route.*:Query.*:PercentDecode.*:"
                         "EventBoundary.*:UpstreamPath.*:Usage*:*/AnySplit.*:*/Captures.*:Refusal.*:RequestId.*")]

READER = "proxy/wire/answer_reader.cpp"
AUX = "proxy/wire/aux_signs.cpp"
BODY = "proxy/wire/body_model.cpp"
ERROR = "proxy/wire/error_body.cpp"
FORM = "proxy/wire/form_finder.cpp"
EDIT = "proxy/wire/json_edit.cpp"
LOADING = "proxy/wire/loading_stream.cpp"
FINDER = "proxy/wire/model_finder.cpp"
LIST = "proxy/wire/model_list.cpp"
LISTED = "proxy/wire/capabilities_json.cpp"
REFUSAL = "proxy/wire/refusal.cpp"
ROUTE = "proxy/wire/route.cpp"
QUERY = "proxy/wire/query.cpp"
SSE = "proxy/wire/sse.cpp"
PATH = "proxy/wire/upstream_path.cpp"
USAGE = "proxy/wire/usage.cpp"

MUTANTS = [
    # --- answers
    ("a number may end in a word", READER, "is_whole && std::isfinite(value)", "error == std::errc{}"),
    ("texts have no limit", READER, "kept_ += part.substr(0, kTextMax - kept_.size());", "kept_ += part;"),
    ("an escape that is cut ends its text", READER, "step_ = Step::Escape;", ""),
    ("a stop that is false is one", READER, 'if (text == "true") sink.on_number(Number::Stop, 1);',
     "sink.on_number(Number::Stop, 1);"),
    ("an array of answers is none", READER, "around == Place::Tops && is_brace", "false"),
    ("an answer that goes on is complete", READER, "is_complete_ = depth_ == 0;", "is_complete_ = true;"),
    ("lists that are passed over are not counted", READER, "c == '{' || c == '[' ?", "c == '{' || (!MUTANT && c == '[') ?"),
    # --- usage
    ("errors of clients are no errors", USAGE, "is_error_(status >= 400)", "is_error_(status >= (MUTANT ? 500 : 400))"),
    ("a zero takes back what was said", USAGE, "value && (*value != 0 || !field)", "value.has_value()"),
    ("a letter is cut in half", USAGE,
     "while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;", ""),
    ("a stop is no end", USAGE, "if (number == Number::Stop) event_.is_last = true;", ""),
    ("counts have no limits", USAGE, "const bool fits = value && *value >= 0 && *value < kCountMax;",
     "const bool fits = value && (MUTANT || (*value >= 0 && *value < kCountMax));"),
    ("the cache is within every input", USAGE,
     "if (input && (*input != 0 || !usage_.input)) input_is_without_cache_ = !prompt;", ""),
    ("a total beside an output is input", USAGE, "if (!input && !output) update(total_, count(Number::TotalTokens));",
     "update(total_, count(Number::TotalTokens));"),
    ("a gap is a speed", USAGE, "1000 / *gap", "*gap"),
    ("milliseconds are seconds", USAGE, "(*first_token_ms_ / 1000)", "*first_token_ms_"),
    ("what was cached has been read", USAGE, "std::max<std::int64_t>(*usage_.input - cached, 0)", "*usage_.input"),
    ("a detail is better than a message", USAGE, "if (from == Word::Detail && error_from_ == Word::Message) return;", ""),
    ("what is repeated is content", USAGE, "event_.has_content && !event_.repeats", "event_.has_content"),
    ("a blank before [DONE] hides it", USAGE, "done_matched_ > 0 || !is_line_blank(part[i])", "true"),
    ("old servers have no output", USAGE, "if (!usage_.output) usage_.output = predicted_;", ""),
    ("half a document has ended", USAGE, "usage_.ended = !is_error_ && reader_.is_complete();", "usage_.ended = true;"),
    ("a broken event counts with the next", USAGE, "  event_ = {};\n  reader_.reset();", "  event_ = {};\n  if (!MUTANT) reader_.reset();"),
    # --- whether it is a chore
    ("tools are empty tools", AUX, "tools.size() == 0", "true"),
    ("an answer's size is no sign", AUX, "signs.max_tokens = value;", ";"),
    ("a schema without title is one with", AUX, "root.at_pointer(schema).get(title) == simdjson::SUCCESS", "true"),
    # --- the model in a body
    ("blanks have no limit", BODY, "is_blank && blanks_.size() + piece.size() <= kBlanksMax", "is_blank"),
    ("an object that says it is a form is one", BODY, "!is_blank && piece[first] == '{'", "false"),
    ("a form without a boundary is none at all", BODY, 'if (boundary.empty()) unusable_ = "its content type names no boundary";', ""),
    ("an object needs a boundary", BODY, "unusable_ = {};", ""),
    ("names in forms are quoted", BODY, "form == nullptr ? json_string(name) : form->encoded(name)", "json_string(name)"),
    ("a file may be called model", FORM, 'if (!parameter(value, "filename").empty()) return {};', ""),
    ("the second model of a form is the model", FORM,
     '!std::exchange(is_named_, true) || fail("it has the field \\"model\\" a second time")', "true"),
    ("the second model of JSON is nothing", "proxy/wire/model_finder.cpp",
     'to_lower(kept_) == "model" && std::exchange(is_named_, true)', "false"),
    ("a model in capitals is none", "proxy/wire/model_finder.cpp", "to_lower(kept_)", "kept_"),
    ("a query's second model is nothing", QUERY, 'if (to_lower(name) == "model") ++found.named;', ""),
    ("quotes end at an escaped one", FORM, "if (text[at] == '\\\\' && at + 1 < text.size()) ++at;", ""),
    ("a CR alone ends a line", FORM, "behind[text + 1] == '\\n' ?", "(MUTANT || behind[text + 1] == '\\n') ?"),
    ("the last delimiter is data", FORM, 'if (behind.starts_with("--")) behind.remove_prefix(2);', ""),
    ("a delimiter's line has no end", FORM, "std::min(text, behind.size()) > kPaddingMax", "false"),
    ("boundaries have no limit", FORM, "boundary.size() > kBoundaryMax", "false"),
    ("heads of parts have no limit", FORM, "std::min(end, view().size()) > kPartHeadMax", "false"),
    ("a delimiter that is cut is data", FORM, "delimiter_.size() - 1", "std::size_t{0}"),
    ("any stream is one", FORM, 'stream_ = value == "true";', "stream_ = true;"),
    ("a model of any length", FORM, 'name != "model" || fail("model is too long")', "true"),
    ("places count what is not there", FORM, "seen_ += n - not_ours;", "seen_ += n;"),
    ("a form may end anywhere", FORM,
     'if (state_ == State::Reading) fail("the form ends without its last delimiter");', "state_ = State::Done;"),
    ("a model within the messages is the model", FINDER, "depth_ == 1 ? Keep::Key : Keep::Nothing", "Keep::Key"),
    ("the last of two models is taken", FINDER, 'kept_ == "model" && !model_seen_', 'kept_ == "model"'),
    ("a key that begins like ours is ours", FINDER, "if (key_too_long_) return;", ""),
    ("pairs of surrogates are lost", FINDER, "code = 0x10000 + ((high - 0xD800U) << 10) + (unit - 0xDC00U);", ""),
    ("half a pair is lost", FINDER, "  drop_half_pair();\n  step_ = after_text_;", "  if (!MUTANT) drop_half_pair();\n  step_ = after_text_;"),
    ("the depth is one less", FINDER, "depth_ == kDepthMax", "depth_ + 1 == kDepthMax"),
    ("names have no limit", FINDER, "keep_ == Keep::Key ? kKeyBytesMax : kValueBytesMax", "std::size_t{1} << 30"),
    ("anything may follow the object", FINDER, 'return fail("unexpected text after the JSON object");', "return;"),
    ("a text is a stream if it says so", FINDER, "if (first == '\"') return !text.empty();", "if (first == '\"') return text == \"true\";"),
    ("numbers begin with zeros", FINDER, "c == '-' ? Digits::Minus : c == '0' ? Digits::Zero : Digits::Whole",
     "c == '-' ? Digits::Minus : Digits::Whole"),
    ("a number may end with a point", FINDER, "digits_ == Digits::Minus || digits_ == Digits::Point ||",
     "digits_ == Digits::Minus || (!MUTANT && digits_ == Digits::Point) ||"),
    ("control characters are text", FINDER, 'fail("control character in a string");', ""),
    ("null is a name", FINDER, "if (!is_text) return;", ""),
    ("an object is no stream", FINDER, "if (kept == Keep::Stream) stream_ = true;", ""),
    ("brackets close braces", FINDER, "c != (in_object() ? '}' : ']')", "c != '}' && c != ']'"),
    ("the value has no end", FINDER, "model_end_ = end;", ""),
    # --- changes of a body
    ("a dot cannot be escaped", EDIT, "path[i] == '\\\\' && i + 1 < path.size()", "false"),
    ("a colon is a letter", EDIT, "at_start && path[i] == ':'", "false"),
    ("an escaped quote ends a string", EDIT, "*c == '\\\\' && ++c == end", "*c == '\\\\' && c + 1 == end"),
    ("escaped keys are others", EDIT, "unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);", ";"),
    ("a comma stays", EDIT, "skip_blanks(text, item.comma_after + 1) - item.begin", "item.comma_after - item.begin"),
    ("a comma before the last stays", EDIT, "item.comma_before != kNone", "false"),
    ("arrays have as many elements as anybody wants", EDIT, "below->index().value_or(0) > kIndexMax", "false"),
    ("-1 is a name", EDIT, 'if (part->is_last()) return "[" + inner + "]";', ""),
    ("the first has a comma", EDIT, 'seen.last ? "," : ""', '","'),
    ("a byte order mark is no JSON", EDIT, 'text.starts_with("\\xef\\xbb\\xbf") ? 3 : 0', "0"),
    ("a path of two is one of one", EDIT, "parts.size() == 1 && parts.front().name == name", "parts.front().name == name"),
    ("wildcards are letters", EDIT, "kSpecial.find(path[i]) != std::string_view::npos", "false"),
    # --- errors
    ("every unknown status is ours", ERROR, "status >= 400 && status < 500", "false"),
    ("codes are those of the status", ERROR, "error.code.empty() ? words.code : error.code", "words.code"),
    ("a detail is no message", ERROR,
     'if (root["detail"].get(message) == simdjson::SUCCESS) return std::string(message);', ""),
    ("one dialect is as the other", ERROR, 'return fmt::format("event: error\\ndata: {}\\n\\n", error_json(status, error));',
     "break;"),
    ("an id may be long", REFUSAL, "id.size() <= kRequestIdMax", "true"),
    ("a refusal that stays is asked for again", REFUSAL, 'if (status == 409) head.fields.add("x-should-retry", "false");', ""),
    ("an id may be two lines", REFUSAL, "c > 0x20 && c < 0x7f", "true"),
    ("a circuit closes in a moment", REFUSAL, "made.passing = false;", ""),
    ("clients are told to come back in a year", REFUSAL, "std::clamp<long>(seconds, 1, kRetryAfterMax)", "seconds"),
    ("an unknown model comes in a moment", REFUSAL, 'return failure(404, refusal.detail, "model_not_found");',
     "return passing_failure(404, refusal.detail, retry_after);"),
    ("a body that broke off was read", REFUSAL, "made.body_unread = true;", ""),
    ("nobody is told when to come back", REFUSAL,
     'if (retry_after_s > 0) head.fields.add("retry-after", std::to_string(retry_after_s));', ""),
    ("two requests have one id", REFUSAL, "ROUSE_CHECK(::getentropy(&unique, sizeof unique) == 0);", ""),
    # --- routes
    ("a path with nothing behind it names a model", ROUTE, "return !argument.empty();", "return true;"),
    ("names in paths are not decoded", ROUTE, "match.argument = percent_decode(argument);", "match.argument = std::string(argument);"),
    ("methods of two routes run together", ROUTE, 'if (!match.allow.empty()) match.allow += ", ";', ""),
    ("what is allowed is refused", ROUTE, "match.allow.clear();", ""),
    ("engines do not get the query", ROUTE, "if (query != std::string_view::npos) out += target.substr(query);", ""),
    ("a plus is a plus", QUERY, "std::replace(spaced.begin(), spaced.end(), '+', ' ');", ""),
    ("names in queries are not encoded", QUERY, "percent_encode(value) +", "(MUTANT ? std::string(value) : percent_encode(value)) +"),
    ("half an escape is one", QUERY, "i + 2 < text.size()", "i + 1 < text.size()"),
    ("a name of any length is looked up", PATH, "if (end > kNameMax) end = path.rfind('/', kNameMax);", ""),
    ("escaped slashes stay", PATH, "percent_decode(path.substr(0, end))", "std::string(path.substr(0, end))"),
    # --- streams and lists
    ("CR LF is a blank line", SSE, "at_boundary_ = cr_ended_blank_;", "at_boundary_ = true;"),
    ("half a line end is a boundary", SSE, "blank && !(after_cr_ && uses_crlf_)", "blank"),
    ("a place in the queue is told again", LOADING, "queue_position > 1 && queue_position != last_position_", "queue_position > 1"),
    ("the end is told twice", LOADING, "std::exchange(done_, true)", "false"),
    ("loads take a thousand times as long", LOADING, "static_cast<double>(elapsed.count()) / 1000.0",
     "static_cast<double>(elapsed.count())"),
    ("capabilities are told twice", LIST, "(model.is_typed && holds(hidden, name))", "false"),
    ("metadata changes the type", LIST, 'name == "type"', "false"),
    ("an alias is a model", LIST, 'is_alias ? "alias" : model.type', "model.type"),
    ("aliases are always listed", LIST, "if (!with_aliases && !model.is_hidden) continue;", ""),
    ("what hears can write", LISTED, 'can.takes("audio") && can.gives("text")', 'can.takes("audio")'),
    ("all is loaded", LIST, 'model.loaded ? "loaded" : "unloaded"', '"loaded"'),
    # --- what llama-swap has had since
    ("what is there is filled", EDIT, "} else if (!fills) {", "} else if (MUTANT || !fills) {"),
    ("edits do not wait for their value", EDIT, "if (!is_met(text, edit)) continue;", ""),
    ("a text is compared with its quotes", EDIT, "value->starts_with('\"')", "false"),
    ("numbers of names are places", EDIT, "part.index() || part.is_last() || name.starts_with(':')", "false"),
    ("slashes too many lead nowhere", ROUTE, "if (mended != path) match = match_as_it_is(method, mended);", ""),
    ("a /v1 that is missing leads nowhere", ROUTE, "return is_api ? other : match;", "return match;"),
    ("any path may lack its /v1", ROUTE, "return is_api ? other : match;", "return other;"),
    ("JSON of another type is not read", USAGE, "if (piece[first] == '{' || piece[first] == '[') body_ = Body::Json;", ""),
    ("numbers in quotes are texts", READER, "if (rule_->number != Number::None) return end_scalar(rest, sink);", ""),
    ("an agent gets events", ERROR, "return is_ai_sdk && user_agent", "return user_agent"),
    ("an SDK gets cuts", ERROR, 'if (program.ends_with("OpenAI") || program.ends_with("Anthropic")) return true;', ""),
    ("a response fails that was not created", ERROR, 'empty_response_event(0, "created", "in_progress", "null") +', "std::string() +"),
]
