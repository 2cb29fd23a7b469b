"""Faults in what is done for one other machine, and in how it is asked."""

SECONDS = 30
TESTS = [("proxy_tests", "PeerTest*:RousePeer*:ProbeTest*")]

PEER = "proxy/peers/peer.cpp"
WAKE = "proxy/peers/peer_wake.cpp"
LISTEN = "proxy/peers/peer_listen.cpp"
PROBE = "proxy/peers/probe.cpp"

MUTANTS = [
    # --- reloads
    ("connections to where it was are kept", PEER,
     "{\n    world_.pool.forget(config_.endpoint);", "{\n    if (!MUTANT) world_.pool.forget(config_.endpoint);"),
    ("what it was elsewhere it still is", PEER, "    foreign_ = false;\n    if (ann",
     "    if (!MUTANT) foreign_ = false;\n    if (ann"),
    ("every reload is a move", PEER, "config.endpoint != config_.endpoint", "true"),
    ("a reload is not taken", PEER, "  config_ = config;\n", "  if (!MUTANT) config_ = config;\n"),
    ("the answer of its old address counts", PEER, "asked != config_.endpoint && !retired_", "false"),
    # --- tickets
    ("nobody who waits is listed", PEER, "if (waits) list.emplace_back(waiter.who, waiter.entered);", ""),
    ("a ticket if ready is given to one that sleeps", PEER, "if (!is_up()) return nullptr;", ""),
    ("a ticket if ready waits", PEER, "waiter.if_ready = true;", "",
     "it only leaves out of two lists of those who wait what never waits"),
    ("nobody hears that a request has left", PEER,
     "ticket.state() != AdmissionTicket::State::Refused) post(peer::Left{ticket.id()});",
     "ticket.state() != AdmissionTicket::State::Refused) { if (!MUTANT) post(peer::Left{ticket.id()}); }"),
    ("nobody hears that it is idle", PEER, "if (waiters_.empty() && world_.on_idle) world_.on_idle();", ""),
    ("a cut cuts those who wait", PEER,
     "if (waiter.ticket->state() != AdmissionTicket::State::Admitted) continue;", ""),
    ("a cut cuts nobody", PEER,
     'waiter.ticket->abort(\n'
     '        "the proxy is shutting down, at once",\n'
     '        passing_failure(\n'
     '            503, fmt::format("the request to peer {} was cut: the proxy is shutting down", name()),\n'
     '            5));', ""),
    ("one that was turned away is gone", PEER, "ticket.send_back();", ""),
    ("the bodies that wait are not counted", PEER, "post(peer::Grew{ticket.id(), bytes});", ""),
    ("the limit of those who wait is forgotten", PEER, "policy.held_max = config_.hold.max;", ""),
    ("the limit of their bodies is forgotten", PEER, "policy.held_bytes_max = config_.hold.bytes;", ""),
    ("no wake is told to whom it served", PEER,
     "waited_for_wake ? waited : core::Duration{0}", "core::Duration{0}"),
    ("every wait is a wake", PEER,
     "waited_for_wake ? waited : core::Duration{0}", "waited + core::Duration{1}"),
    ("a retired one is still asked", PEER, "if (retired_) co_return;", "",
     "a retired state acts on no answer"),
    ("who waits for a retired one waits on", PEER, "post(peer::Retired{why});", ""),
    # --- what is refused
    ("who may not wake is to come back", PEER, "failure.passing = false;", ""),
    ("nothing is served elsewhere", PEER,
     "failure.elsewhere = refuse.cause != peer::Cause::HeldTooLong;", "failure.elsewhere = false;"),
    ("a failed wake has no code", PEER, 'failure.text.code = "peer_wake_failed";', ""),
    ("a service that is down has no code", PEER, 'failure.text.code = "peer_unreachable";', ""),
    # --- waking
    ("no volley is sent", WAKE, "if (!sender_) return;", "return;"),
    ("volleys are not counted", WAKE,
     "if (Wake* wake = world_.ledger.find(wake_)) wake->volleys = volley.number;", ""),
    ("an operator wakes in the name of nobody", WAKE, "    wake.by = *operator_;\n", ""),
    ("a request wakes in the name of nobody", WAKE, "      wake.by = waiter.who;\n", ""),
    ("a wake has no outcome", WAKE, "    wake->outcome = outcome;\n", ""),
    ("how long a wake took is not told", WAKE,
     "if (ended.outcome == peer::WakeEnded::Outcome::Ok) wake->to_service = ended.took;", ""),
    ("the first byte is not told", PEER, "wake->to_first_byte = now() - it->second.entered;", ""),
    ("its word is not noticed", PEER,
     "if (wake != nullptr && !wake->to_network) wake->to_network = now() - wake_began_;", ""),
    ("the time to wake is that of the default", PEER, "policy.wake_timeout = config_.wake->timeout;", ""),
    # --- what another rouse says
    ("nobody listens to it", PEER, "  listen_if_up();\n}", "  if (!MUTANT) listen_if_up();\n}"),
    ("its sleep is not acknowledged", LISTEN,
     "    world_.tasks.spawn(acknowledge(news->epoch.number));\n", ""),
    ("everything is acknowledged", LISTEN,
     "if (news->power == peer::Announced::PowerState::Suspending) {",
     "if (MUTANT || news->power == peer::Announced::PowerState::Suspending) {"),
    ("its words are not told to the state", LISTEN,
     "post(peer::Announced{news->power, news->epoch});", ""),
    ("the end of its stream asks nothing", LISTEN,
     "if (heard_any && !retired_ && is_up()) post(peer::AnnouncementsLost{});", ""),
    ("one that lets nobody listen is asked again", LISTEN, "co_return answer->status >= 500;", "co_return true;"),
    ("its cards are not learned", LISTEN,
     "if (news.macs.empty() || !config_.wake || !config_.wake->learns_macs) return;", "return;"),
    ("cards are learned against the configuration", LISTEN, "!config_.wake->learns_macs", "false"),
    ("new cards do not wake", LISTEN, "  make_sender();\n  std::string list;",
     "  if (!MUTANT) make_sender();\n  std::string list;"),
    ("what is learned is not kept", LISTEN,
     'const Result<void> written = write_peer_memory(file, memory_);',
     'const Result<void> written = MUTANT ? Result<void>() : write_peer_memory(file, memory_);'),
    ("a retired one is still written", LISTEN, "world_.dir.empty() || retired_", "world_.dir.empty()",
     "a retired state enters no other"),
    ("its models are not learned", LISTEN, "memory_.models.push_back(std::move(model.id));", ""),
    ("a list that fails loses the last", LISTEN, "  learning_ = false;\n",
     "  learning_ = false;\n  if (MUTANT && !listed) memory_.models.clear();\n"),
    # --- how it is asked
    ("one that suspends answers", PROBE, "leaves ? Sign::Suspending : Sign::Answers", "Sign::Answers"),
    ("an ill health is a good one", PROBE, "health.status < 500 ? Sign::Answers : Sign::Unwell", "Sign::Answers"),
    ("one that refuses is silent", PROBE, "answer.sign = Sign::Refuses;", ""),
    ("a list of models is no health", PROBE, 'if (plan.path.empty()) paths.emplace_back("/v1/models");', ""),
    ("a path of its own is not the only one", PROBE,
     "if (plan.path.empty()) paths.emplace_back", "if (MUTANT || plan.path.empty()) paths.emplace_back"),
    ("a connection that was closed is the end", PROBE, "!got && reused", "false"),
    ("a connection that ends is used again", PROBE,
     "    if (!got->stays_open) stream.reset();\n  }\n  answer =", "    if (!MUTANT && !got->stays_open) stream.reset();\n  }\n  answer ="),
    ("one that is known to be foreign is asked for its power", PROBE, "if (!plan.foreign) {", "if (MUTANT || !plan.foreign) {"),
    ("a rouse behind a key is a foreigner", PROBE,
     "got->status == 401 || got->status == 403 || got->status >= 500", "got->status >= 500"),
    ("a rouse in trouble is a foreigner", PROBE,
     "got->status == 401 || got->status == 403 || got->status >= 500", "got->status == 401 || got->status == 403"),
    ("one that is unwell is a foreigner", PROBE, "!is_rouse && answer.sign == Sign::Answers", "!is_rouse"),
    ("no key is sent", PROBE, "!plan.api_key.empty()", "false"),
    ("a key is always sent", PROBE, "!plan.api_key.empty()", "true"),
    ("it is asked below the root", PROBE, "head.target = plan.endpoint.base_path + path;", "head.target = path;"),
    ("it is waited for as long as it likes", PROBE, "stream.expires_after(limit);", "stream.expires_never();"),
    ("a list of any status is one", PROBE, "if (got->status == 200) models", "if (MUTANT || got->status == 200) models"),
]
