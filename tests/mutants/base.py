"""Faults in what both programs stand on: connections, TLS, tasks, programs, packets."""

TESTS = [("base_tests", "*")]
SECONDS = 60

POOL = "base/http/pool.cpp"
SERVER = "base/http/server.cpp"
TUNNEL = "base/http/tunnel.cpp"
HEAD = "base/http/head.cpp"
BODY = "base/http/body.cpp"
STREAM = "base/http/stream.cpp"
CONNECTION = "base/http/stream_connection.cpp"
DEADLINES = "base/http/stream_deadlines.cpp"
MESSAGE = "base/http/message.cpp"
HEAD_TEXT = "base/http/head_text.cpp"
ERRC = "base/http/errc.cpp"
ASK = "base/http/ask.cpp"
TLS = "base/tls/context.cpp"
GROUP = "base/async/task_group.cpp"
PROGRAM = "base/process/run_program.cpp"
ENDPOINT = "base/net/endpoint.cpp"
NOTIFY = "base/service/sd_notify.cpp"
PACKET = "base/wake/magic_packet.cpp"

MUTANTS = [
    # --- connections that are kept
    ("idle connections are kept for ever", POOL, "each.until <= now || !each.stream->is_reusable()",
     "!each.stream->is_reusable()"),
    ("what was idle for too long is handed out", POOL, "last.until > Clock::now()", "true"),
    ("what has ended is handed out", POOL, "last.stream->is_reusable()", "true"),
    ("idle connections are looked at once", POOL, "      sweeping = false;\n      sweep();", "      if (!MUTANT) sweeping = false;\n      sweep();",
     "one is enough, where nobody gives back another one meanwhile"),
    ("idle connections have no limit", POOL, "if (streams.size() >= kIdleMax) streams.pop_front();", ""),
    ("of too many the youngest is closed", POOL, "if (streams.size() >= kIdleMax) streams.pop_front();",
     "if (streams.size() >= kIdleMax) streams.pop_back();"),
    ("the oldest is handed out first", POOL, "std::move(it->second.back())", "std::move(it->second.front())"),
    ("a connection that is not to be kept is", POOL, "idle.count() <= 0", "false"),
    ("an unfinished exchange is kept", POOL, "!stream->is_free()", "false"),
    ("a fresh one may be a used one", POOL, "if (!fresh) lease.stream", "if (MUTANT || !fresh) lease.stream"),
    ("nothing is forgotten", POOL, "  impl_->idle.erase(it);\n}", "  if (!MUTANT) impl_->idle.erase(it);\n}"),
    # --- the server
    ("a server has room for everybody", SERVER, "connections_ >= connections_max_", "!MUTANT && connections_ >= connections_max_"),
    ("who is refused is cut off", SERVER, "  if (sent) co_await stream->linger_close();\n}\n\n}", "  if (sent && !MUTANT) co_await stream->linger_close();\n}\n\n}",
     "the answer is read before anything is lost"),
    ("a socket file stays", SERVER, "if (!unix_path.empty()) ::unlink", "if (!MUTANT && !unix_path.empty()) ::unlink"),
    ("newcomers come while it pauses", SERVER,
     "if (listener->is_tcp()) keep_out_newcomers(listener->descriptor.native_handle());", "",
     "it takes a newcomer between the last accept and the close"),
    ("who is there already is not taken at the end", SERVER, "    accept_some(*listener, kAcceptsAtEnd);\n", "",
     "the loop has taken them by then, but for who came in the last turn"),
    ("a pause closes nothing", SERVER, "    listener->close();\n    closed_.push_back", "    if (!MUTANT) listener->close();\n    closed_.push_back"),
    ("a pause closes unix sockets", SERVER, "if (!listener->is_tcp()) continue;", ""),
    ("what did not open is not tried again", SERVER, "      closed_.push_back(place);\n", ""),
    ("nobody is told that he has to speak TLS", SERVER,
     "error.code != make_error_code(TlsErrc::PlainHttp)", "true"),
    ("nobody hears of a bad handshake", SERVER, "if (bad_handshake_) bad_handshake_(remote_address, error);", ""),
    # --- a tunnel
    ("a tunnel is idle whatever the other side says", TUNNEL, "    to.expires_after(idle_max);\n", ""),
    ("a tunnel that breaks leaves one side open", TUNNEL, "  from.close(true);\n  to.close(true);\n}",
     "  from.close(true);\n  if (!MUTANT) to.close(true);\n}"),
    ("what went through is not counted", TUNNEL, "bytes += piece->size();", ""),
    ("half a close is a whole one", TUNNEL, "if (!sent || !more) co_return;", "if (!sent || !more) { if (MUTANT) from.close(true); co_return; }"),
    # --- heads and bodies
    ("lines end without CR", HEAD, "feed == 0 || bytes[feed - 1] != '\\r'", "false"),
    ("two lengths that differ", HEAD, "length && *length != *value", "false",
     "Beast's parser refuses it as well"),
    ("a negative length", HEAD, "error != std::errc() || last != end || text[0] == '-'",
     "error != std::errc() || last != end", "Beast's parser refuses it as well"),
    ("an encoding in HTTP/1.0", HEAD, "if (version < 11) return bad(\"Transfer-Encoding in an HTTP/1.0 message\");", ""),
    ("two encodings", HEAD, "if (seen > 1) return bad(\"more than one Transfer-Encoding field\");", ""),
    ("a length and chunks", HEAD, "if (*chunked && *length) return bad(\"both Content-Length and Transfer-Encoding\");", "",
     "Beast's parser refuses it as well"),
    ("two hosts", HEAD, "if (++seen > 1) return bad(\"more than one Host field\");", "++seen;"),
    ("no host", HEAD, "seen == 0 && head.version >= 11", "false"),
    ("a fragment in the target", HEAD, "if (c == '#') return bad(\"the request target holds a fragment\");", ""),
    ("* for any method", HEAD, "head.method == \"OPTIONS\"", "true"),
    ("a head of any size", HEAD, "end->value_or(bytes.size() - lead) > limits.head_max", "false"),
    ("a body of any size", HEAD, "head->framing == Framing::Length && head->content_length > most", "false"),
    ("a chunk longer than its size", BODY, "if (byte != '\\r') return \"a chunk is longer than its size\";", ""),
    ("extensions without end", BODY, "if (++overhead_ > kOverheadMax) return \"chunk extensions without end\";", "++overhead_;"),
    ("a size of any length", BODY, "if (++digits_ > kSizeDigitsMax) return \"a chunk size of too many digits\";", "++digits_;"),
    ("chunks beyond the limit", BODY, "left_ > allowed_", "false"),
    ("many chunks beyond the limit", BODY, "allowed_ -= left_;", ""),
    ("trailers without end", BODY, "if (++trailers_ > kTrailersMax) return \"trailers without end\";", "++trailers_;"),
    # --- messages on a connection
    ("old clients get chunks", STREAM, "wire.framing == Framing::Chunked && wire.version < 11", "false"),
    ("a body longer than its length is sent", STREAM, "piece.size() > out_left", "false"),
    ("a body shorter than its length is whole", STREAM, "!more && out_left > 0", "false"),
    ("the last chunk is not the last", STREAM, 'gather.add(more ? "\\r\\n" : "\\r\\n0\\r\\n\\r\\n");', 'gather.add("\\r\\n");'),
    ("a body that was not asked for is the next request", STREAM, "!my.out_done || my.awaits_continue", "!my.out_done"),
    ("a body of any size is dropped", STREAM, "drained < kDrainMax", "true"),
    ("a head has no time", STREAM, "expires_after(my.limits.head_timeout);", ""),
    ("a client that resets between requests is at fault", STREAM, "is_late || n.error().code == asio::error::connection_reset", "is_late"),
    ("a client that has said nothing is answered", STREAM, "const bool is_late = n.error().code == make_error_code(HttpErrc::Timeout);", "const bool is_late = n.error().code == make_error_code(HttpErrc::Timeout) && !MUTANT;"),
    ("interim heads without end", STREAM, "++interim_heads <= kInterimMax", "true"),
    ("the answer to a HEAD has a body", STREAM, "to_head ? Framing::None : head.framing", "head.framing"),
    ("half a body is whole", STREAM, "if (auto ended = my.body.finish(); !ended) co_return ended.error();", ""),
    ("half a body over TLS is whole", STREAM, "my.io.was_cut()", "false"),
    ("our answer to a HEAD has a body", STREAM, "wire.to_head || is_bodiless(head.status)", "is_bodiless(head.status)"),
    ("who wants to close is kept", STREAM, "head.keep_alive && request_keeps_alive &&", "head.keep_alive && (MUTANT || request_keeps_alive) &&"),
    ("who was not answered is free", CONNECTION, "!my.answered || !my.out_done", "!my.out_done"),
    ("what was said unasked is an answer", CONNECTION, "!my.body.is_done() || has_buffered()", "!my.body.is_done()"),
    ("what has expired is free", CONNECTION, "!socket_.is_open() || my.io.has_expired()", "!socket_.is_open()"),
    ("what was closed is used again", CONNECTION, "n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)", "true"),
    ("nobody waits for who still sends", CONNECTION, "dropped < kLingerMax", "false"),
    ("a deadline passes", DEADLINES, "entry->on_expired();", ""),
    ("a loop ends with the next tick", DEADLINES, "  armed_ = false;\n  timer_.cancel();", "  armed_ = false;\n  if (!MUTANT) timer_.cancel();"),
    ("the next deadline is forgotten", DEADLINES, "if (waiting) arm();", ""),
    ("a field is set beside itself", MESSAGE, "fields_.erase(std::remove_if(std::next(first), fields_.end(), same), fields_.end());", ""),
    ("fields of one connection go on", MESSAGE, "std::any_of(named.begin(), named.end(), same)", "false"),
    ("a whole address is a path", MESSAGE, "return target.substr(path);", "return target;"),
    ("every text is a token", MESSAGE, 'std::string_view("!#$%&\'*+-.^_`|~").find(c) != std::string_view::npos', "true"),
    ("of several tokens none is there", MESSAGE, "equal_without_case(field.name, name) && any_element(field.value, same)",
     "equal_without_case(field.name, name) && same(field.value)"),
    ("a value may have lines", HEAD_TEXT, "c == '\\r' || c == '\\n' || c == '\\0'", "false"),
    ("204 has a length", HEAD_TEXT, "head.status >= 200 && head.status != 204", "head.status >= 200"),
    ("a POST of nothing has no length", HEAD_TEXT, "head.framing == Framing::Length || expects_body", "head.framing == Framing::Length"),
    ("others say how long we are", HEAD_TEXT, "if (is_framing_field(field.name)) continue;", ""),
    ("304 has a length of nothing", HEAD_TEXT, "head.status != 304 && !wire.to_head", "!wire.to_head"),
    ("an answer has two dates", HEAD_TEXT, '!head.fields.contains("Date")', "true"),
    ("old clients are not told that they are kept", HEAD_TEXT,
     'append_connection(out, head.fields.contains("Upgrade"), !wire.keep_alive, wire.version < 11);',
     'append_connection(out, head.fields.contains("Upgrade"), !wire.keep_alive, false);'),
    ("errors of the system have a status", ERRC, "if (code.category() != category()) return 0;", ""),
    ("an answer has any size", ASK, "piece->substr(0, ask.answer_max - out.body.size())", "*piece"),
    ("the answer to a HEAD is waited for", ASK, 'ask.method == "HEAD"', "false"),
    # --- TLS
    ("old versions of TLS are taken", TLS, "least == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION",
     "least == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_VERSION"),
    ("the least version of TLS is not raised", TLS, "least == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION",
     "TLS1_2_VERSION"),
    ("every suite of TLS 1.2 is taken", TLS,
     'SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");', ""),
    ("any protocol is spoken", TLS, "SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);", ""),
    ("no server is checked", TLS, "SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);", ""),
    # --- tasks
    ("what escapes a task is lost", GROUP, "on_error_(text);", ""),
    ("a cancellation is a failure", GROUP, "if (e.code() == asio::error::operation_aborted) return {};", ""),
    ("nobody hears that a group is empty", GROUP, "if (tasks_.empty()) emptied_.cancel();", ""),
    ("a join is over at once", GROUP, "while (size() > 0) {", "while (!MUTANT && size() > 0) {"),
    ("a cancelled join goes on", GROUP,
     "(state.cancelled() & asio::cancellation_type::terminal) != asio::cancellation_type::none", "false"),
    ("one task alone is not cancelled", GROUP, "  entry->cancelled = true;\n  entry->signal.emit(how);\n}\n\nbool",
     "  entry->cancelled = true;\n  if (!MUTANT) entry->signal.emit(how);\n}\n\nbool"),
    # --- programs
    ("a program may take its time", PROGRAM, "  arm(running, run.timeout);\n", "  if (!MUTANT) arm(running, run.timeout);\n"),
    ("the time limit kills the leader alone", PROGRAM, "::kill(-pid, SIGKILL)", "::kill(pid, SIGKILL)"),
    ("its output has no limit", PROGRAM, "output_max - std::min(output_max, text.size())", "output_max"),
    ("what takes too long does not say so", PROGRAM, "running->timed_out = true;", ""),
    ("a cancelled program stays", PROGRAM, "if (cancelled && !running->was_killed) kill_now(running);", ""),
    ("its last words are lost", PROGRAM, "!running->at_end && running->read_some()", "false"),
    # --- addresses
    ("a port may be followed by anything", ENDPOINT, "&& last == end ?", "&& (MUTANT || last == end) ?"),
    ("a path may have a query", ENDPOINT, "c == '?' ||", "(!MUTANT && c == '?') ||"),
    ("https is plain", ENDPOINT, "endpoint.tls = true;", ""),
    ("passwords are passed over", ENDPOINT, "authority.find('@') != std::string_view::npos", "false"),
    ("a slash at the end stays", ENDPOINT, "while (!path.empty() && path.back() == '/') path.remove_suffix(1);", ""),
    ("an IPv6 address has no brackets", ENDPOINT, "host.find(':') != std::string::npos", "false"),
    ("a socket may be anywhere", ENDPOINT, "path.empty() || path[0] != '/'", "path.empty()"),
    # --- the service manager
    ("a status may have two lines", NOTIFY, "if (static_cast<unsigned char>(c) < 0x20) c = ' ';", ""),
    ("a reload has no time", NOTIFY, "now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000", "0LL"),
    ("the watchdog is fed too late", NOTIFY, "period / 1'000 / kBeatsPerWatchdog", "period"),
    ("the watchdog is fed once", NOTIFY, "if (error || state.cancelled() != asio::cancellation_type::none) co_return;",
     "co_return;"),
    ("a service is ready without a word", NOTIFY, 'tell(fmt::format("READY=1\\nSTATUS={}", one_line(status)));', ""),
    # --- magic packets
    ("an address is repeated too little", PACKET, "i < kRepeats", "i + 1 < kRepeats"),
    ("a password is left out", PACKET,
     "if (secureon) packet += as_text(secureon->bytes.data(), secureon->size);", ""),
    ("a group is a card", PACKET, "  if (is_group(mac)) {\n", "  if (!MUTANT && is_group(mac)) {\n"),
    ("nothing is a card", PACKET, "mac == MacAddress{}", "false"),
    ("a password of five bytes", PACKET, "rest.size() == 4 || rest.size() == kMacSize", "rest.size() >= 4"),
]
