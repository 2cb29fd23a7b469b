"""Faults in what keeps strangers from the daemon and its relay: names, places, what others say, files."""

SECONDS = 60
TESTS = [("base_tests", "AddressCount.*:JsonString.*"),
         ("suspendd_tests", "MetricsServerTest.*:ControlPlacesTest.*:RelayNames.*:RelayBodyWords.*:RelayRefusalLog.*:"
                            "OthersWords*:ReportText.*:EndlessAnswerTest.*:StateDir.*")]

METRICS = "suspendd/metrics_server.cpp"
CONTROL = "suspendd/control_server.cpp"
SERVER = "base/http/server.cpp"
COUNT = "base/http/address_count.cpp"
JSON = "base/text/json_writer.cpp"
RELAY = "suspendd/relay/service.cpp"
BODY = "suspendd/relay/request.cpp"
LOG = "suspendd/relay/refusal_log.hpp"
WORDS = "suspendd/text/others_words.cpp"
RUNNER = "suspendd/action_runner.cpp"
CHECKS = "suspendd/checks/check_runner.cpp"
CLIENT = "suspendd/proxy/power_client.cpp"
REPORT = "suspendd/report/text.cpp"
GET = "suspendd/checks/http_get.cpp"
STATE = "suspendd/state/state_dir.cpp"

MUTANTS = [
    # --- names that lead here
    ("metrics are for any name", METRICS, "if (!is_known(request)) {", "if (!MUTANT && !is_known(request)) {"),
    ("metrics.hosts is not read", METRICS, "return means(pattern, name);", "return false;"),
    ("a listed name may stand at an end", METRICS, "return pattern == name;", "return name.ends_with(pattern);"),
    ("a relay is for any name", RELAY, '!is_own_host(head.fields.find("host").value_or(""), rules_.names)', "false"),
    ("a token does not excuse a name", RELAY, "if (!rules_.token && ", "if ((MUTANT || !rules_.token) && "),
    # --- places and time
    ("each scrape makes a report", METRICS, "is_fresh || (is_making_ && !text_.empty())", "false"),
    ("who says nothing to metrics stays", METRICS, "client->expires_after(call_time_);", ""),
    ("users have no bound", CONTROL, "control_.limit_users(kConnectionsPerUser);", ""),
    ("root waits like everybody", SERVER, "is_full && user != 0", "is_full"),
    ("root has a bound", COUNT, "user == 0 ? std::string()", "false ? std::string()"),
    ("who does not read its answer stays", CONTROL, "  client.expires_after(call_time_);\n  const Result<void> written = co_await client.write_response(head, body, false);",
     "  if (!MUTANT) client.expires_after(call_time_);\n  const Result<void> written = co_await client.write_response(head, body, false);"),
    ("a bound hold has its time", CONTROL, "true);\n  client.expires_never();", "true);\n  if (!MUTANT) client.expires_never();"),
    # --- what is kept
    ("holds have no bound", CONTROL, "loop_.view().holds.size() >= kHoldsMax", "false"),
    ("a token may be long", CONTROL, 'call.text("token").size() > kTokenMax', "false"),
    ("a time that is none is forgotten", CONTROL, "if (call.has_fine_span(key)) continue;", "continue;"),
    ("a time may overflow", CONTROL, "*time <= kSpanMost", "true"),
    ("a time may be negative", CONTROL, "*time >= core::Duration{0}", "true"),
    ("links are followed", STATE, " | O_NOFOLLOW", ""),
    ("what was left over keeps its mode", STATE, "if (fd) ::fchmod(fd.get(), 0600);", ""),
    # --- what others say
    ("others may say much", WORDS, "cut_text(one_line(text.substr(0, kBytesLookedAt)), kColumnsMost)", "one_line(text)"),
    ("hooks hear all that others say", RUNNER, "others_words(asked.reason)", "asked.reason"),
    ("checks repeat all that others say", CHECKS, "finding.reason = others_words(finding.reason);", ""),
    ("the proxy may say anything", CLIENT, "answer.why = others_words(", "answer.why = (MUTANT ? [](std::string text) { return text; } : [](std::string text) { return others_words(text); })("),
    ("a reason steers the terminal", REPORT, '"  because:  " + one_line(view.reason)', '"  because:  " + view.reason'),
    ("what comes next steers the terminal", REPORT, '"  next:     " + one_line(view.next)', '"  next:     " + view.next'),
    ("a block steers the terminal", REPORT, "one_line(view.block->reason)", "view.block->reason"),
    ("logind steers the terminal", REPORT, "one_line(report.inhibitors_error)", "report.inhibitors_error"),
    ("JSON steers the terminal", JSON, "second >= 0x80 && second < 0xa0", "false"),
    ("an answer has no end", GET, "got > question.body_max", "false"),
    ("a member's name forges a line", BODY, "for_log(name, 40)", "std::string(name.substr(0, 40))"),
    ("every refusal is logged", LOG, "if (written_ >= kMost) {", "if (!MUTANT && written_ >= kMost) {"),
    ("a minute never ends", LOG, "now - began_ >= kSpan", "false"),
]
