"""Faults in who may do what: keys, pages of other origins, listeners that anybody can reach."""

SECONDS = 30
TESTS = [("proxy_tests", "Keys.*:KeyConfig.*:Authorise.*:Exposure.*:Preflight.*:Cors*:OriginFault.*:ListenerTls*")]

CORS = "proxy/access/cors.cpp"
CREDENTIALS = "proxy/access/credentials.cpp"
KEYS = "proxy/access/keys.cpp"
TLS = "proxy/access/listener_tls.cpp"
OPEN = "proxy/access/open_listener.cpp"
OWN = "proxy/access/own_keys.cpp"

MUTANTS = [
    # --- pages of other origins
    ("a preflight grants any text", CORS, "if (!is_token(token)) continue;", ""),
    ("origins have upper and lower case", CORS, "std::find(list.begin(), list.end(), to_lower(origin))",
     "std::find(list.begin(), list.end(), std::string(origin))"),
    ("the port that a scheme implies is another origin", CORS,
     "if (authority.ends_with(port)) authority.resize(authority.size() - port.size());", ""),
    ("a star lets pages control", CORS, "(!by_name && lets_all(config))", "lets_all(config)"),
    ("the browser's word is not taken", CORS, 'if (site == "same-origin") return std::nullopt;', ""),
    ("a page that hides its origin may", CORS, '(site == "cross-site" || site == "same-site")', "false"),
    ("a page of the same site may", CORS, 'site == "cross-site" || site == "same-site"', 'site == "cross-site"'),
    ("one good origin hides a bad one", CORS, "if (is_own_origin(field.value, request.fields)) continue;",
     "if (is_own_origin(field.value, request.fields)) return std::nullopt;"),
    ("links to inference are refused", CORS, "if (infers && is_navigation(request)) return std::nullopt;", ""),
    ("whatever is loaded is a link", CORS, 'to_lower(request.fields.find("sec-fetch-dest").value_or("")) == "document"',
     "true"),
    ("a preflight is granted beyond the list", CORS, "if (!origin || !is_listed(config, *origin)) return head;",
     "if (!origin) return head;"),
    ("a preflight grants all origins what it grants one", CORS, "allowed = *origin;", ""),
    ("what an engine allows stays", CORS,
     "for (const std::string_view name : kAnswerFields) head.fields.erase(name);", ""),
    ("caches mix up origins", CORS, 'if (!to_all) add_vary(head.fields, "Origin");', ""),
    ("without a list every answer is readable", CORS, "if (!tells_models) return;", ""),
    ("with a list strangers read", CORS, "!origin || (!to_all && !is_listed(config, *origin))", "!origin"),
    ("inference asks for an origin without a list", CORS, "(infers && config.cors_origins)", "infers"),
    # --- credentials
    ("a scheme may be a beginning", CREDENTIALS, "value.size() <= scheme.size() || value[scheme.size()] != ' '",
     "value.size() <= scheme.size()"),
    ("schemes are written small", CREDENTIALS,
     "!equal_without_case(value.substr(0, scheme.size()), scheme)", "value.substr(0, scheme.size()) != scheme"),
    ("x-api-key is not read", CREDENTIALS, 'if (equal_without_case(field.name, "x-api-key")) return field.value;', ""),
    ("the name of Basic is the key", CREDENTIALS, "decoded.substr(colon + 1)", "decoded.substr(0, colon)"),
    ("Basic has no padding", CREDENTIALS, "while (encoded.ends_with('=')) encoded.remove_suffix(1);", ""),
    ("a key has one hash only", CREDENTIALS, "equal_in_constant_time(each, digest)",
     "&each == &key.sha256.front() && equal_in_constant_time(each, digest)"),
    # --- keys
    ("keys do not expire", KEYS, "key->has_expired(wall_clock_())", "false"),
    ("the scope is not asked for", KEYS, "!expired && key->has(scope)", "!expired"),
    ("a wrong key hides a right one", KEYS, "if (key == nullptr) continue;", "if (key == nullptr) return unknown_key();"),
    ("without keys nobody may", KEYS, "if (config_->keys.empty()) return Caller{};", ""),
    ("an expired key lacks the scope", KEYS, "expired ? expired_key(*key) : scope_missing(*key, scope)",
     "scope_missing(*key, scope)"),
    ("every key may wake", KEYS, "!caller.account || caller.account->config.has(scope)", "true"),
    ("the model's id does not count", KEYS, "if (!model_id.empty() && fits(key, model_id)) return true;", ""),
    ("what a star stands for counts", KEYS, "return alias.pattern;", "return std::string(asked_for);"),
    ("names of a peer's models are unknown", KEYS, 'names.insert(peer + "/" + model);', ""),
    ("selectors are no names", KEYS, "for (const auto& [name, selector] : config.selectors) names.insert(name);", ""),
    ("a reload forgets what was used", KEYS, "fresh[key.name] = before->second;",
     "fresh[key.name] = std::make_shared<KeyAccount>(KeyAccount{key, core::KeyBudget(key.limits)});"),
    ("a reload leaves the limits", KEYS, "before->second->budget.set_limits(key.limits);", ""),
    ("a reload leaves the scopes", KEYS, "before->second->config = key;", ""),
    ("clients are told to wait for ever", KEYS, "std::clamp<std::int64_t>(seconds, 1, kKeyRetryAfterMax)", "seconds"),
    ("a client that is over its limit is not to come back", KEYS, "made.retry_after_s = refusal.retry_after_s;", ""),
    ("a limit is for good", KEYS, "made.passing = refusal.status == 429;", "made.passing = false;"),
    ("tokens are not counted", KEYS, "if (caller.account) caller.account->budget.count_tokens(tokens, now);", ""),
    # --- the listener
    ("the flags do not win", TLS, "!cert_file_.empty()", "false"),
    ("a pair that cannot be read is a good reload", TLS, "    return false;\n", "    return MUTANT;\n"),
    ("a listener without a pair gets one by a reload", TLS, "context_ && !wanted.cert.empty()", "!wanted.cert.empty()"),
    ("this machine is one address", OPEN, "bits >> 24 == 127", "bits == INADDR_LOOPBACK"),
    ("a mapped address is a stranger's", OPEN,
     "if (!IN6_IS_ADDR_V4MAPPED(&address)) return Reach::OneAddress;", "return Reach::OneAddress;"),
    ("a socket file can be reached", OPEN, "host.starts_with(\"unix:\") || host.starts_with('/')", "false"),
    ("keys are no protection", OPEN, "if (!config.keys.empty()) return std::nullopt;", ""),
    ("the peers' keys are not told of", OPEN, "!config.peers.empty()", "false"),
    ("captures are not told of", OPEN, "config.capture_buffer_mb > 0", "false"),
    # --- what a route wants, and what goes no further
    ("who controls may wake", OWN, "if (route.id == wire::RouteId::WakePeer) return Scope::Wake;", ""),
    ("a listing wants observe", OWN,
     "if (lists) return Scope::List;", ""),
    ("who observes may control", OWN, "return Scope::Control;", "return Scope::Observe;"),
    ("our keys go to the engines", OWN,
     "fields.erase_if([&](const Fields::Field& field) { return holds_own_key(config, field); });", ""),
    # --- limits of all, and who lists
    ("there is no limit for all together", KEYS, "is_work && limit > 0 && *running_ >= limit", "false"),
    ("probes count for the limit of all", KEYS, "is_work ? running_ : nullptr", "running_"),
    ("credentials are not allowed", "proxy/access/cors.cpp",
     'if (config.cors_credentials) head.fields.add("access-control-allow-credentials", "true");', ""),
]
