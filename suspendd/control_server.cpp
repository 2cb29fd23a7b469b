#include "suspendd/control_server.hpp"

#include "base/service/log.hpp"
#include "base/text/ascii.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/text_table.hpp"
#include "suspendd/box/clock.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <pwd.h>
#include <sys/random.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace rouse::suspendd {

namespace policy = core::suspend;
namespace dom = simdjson::dom;

namespace {

/// A hold that is bound to a job has one for as long as the job runs.
constexpr std::size_t kConnectionsMax = 512;
constexpr std::size_t kConnectionsPerUser = 256;
constexpr std::size_t kHoldsMax = 512;
constexpr std::size_t kTokenMax = 100;
constexpr std::size_t kWhyMax = 500;
/// Longer than anything lasts, and far from where times overflow.
constexpr core::Duration kSpanMost{std::chrono::hours(24 * 3650)};
constexpr std::size_t kHistoryShown = 50;
constexpr core::Duration kSafetyNetLeast{60'000};

HttpLimits limits() {
  HttpLimits limits;
  limits.body_max = 64 * 1024;
  limits.buffer = 4 * 1024;
  return limits;
}

std::string user_name(uid_t uid) {
  const passwd* const entry = ::getpwuid(uid);
  return entry == nullptr ? fmt::format("uid {}", uid) : std::string(entry->pw_name);
}

std::string random_token() {
  std::uint32_t number = 0;
  const ssize_t got = ::getrandom(&number, sizeof number, 0);
  static_cast<void>(got);  // one that is taken replaces that hold, nothing worse
  return fmt::format("{:08x}", number);
}

std::string message_json(std::string_view code, std::string_view message) {
  return fmt::format("{{\"code\":{},\"message\":{}}}\n", json_string(code), json_string(message));
}

Task<Result<std::string>> read_body(HttpStream& client) {
  std::string body;
  for (;;) {
    const Result<std::string_view> piece = co_await client.read_body();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return body;
    body += *piece;
  }
}

}  // namespace

/// One request, read whole.
struct ControlServer::Call {
  RequestHead head;
  dom::parser parser;
  dom::element body;  ///< {} when there is none
  std::string by;

  [[nodiscard]] std::string text(const char* key) const {
    std::string_view value;
    return body[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  }
  [[nodiscard]] bool truth(const char* key) const {
    bool value = false;
    return body[key].get(value) == simdjson::SUCCESS && value;
  }
  [[nodiscard]] std::optional<core::Duration> span(const char* key) const {
    std::int64_t value = 0;
    if (body[key].get(value) != simdjson::SUCCESS) return std::nullopt;
    return core::Duration(value);
  }
  /// Whether @p key is missing, or a time as span() has it.
  [[nodiscard]] bool has_fine_span(const char* key) const {
    dom::element value;
    if (body[key].get(value) != simdjson::SUCCESS || value.is_null()) return true;
    const std::optional<core::Duration> time = span(key);
    return time && *time >= core::Duration{0} && *time <= kSpanMost;
  }
  [[nodiscard]] std::size_t last() const {
    const std::string query(head.query());
    std::size_t count = kHistoryShown;
    if (query.starts_with("last=")) {
      std::from_chars(query.data() + 5, query.data() + query.size(), count);
    }
    return count;
  }
};

ControlServer::ControlServer(TaskGroup& tasks, StreamDeadlines& deadlines, PolicyLoop& loop,
                             Notices& notices, StateDir& state, MakeReport make_report,
                             SetSafetyNet set_safety_net, std::chrono::milliseconds call_time)
    : loop_(loop),
      notices_(notices),
      state_(state),
      make_report_(std::move(make_report)),
      set_safety_net_(std::move(set_safety_net)),
      call_time_(call_time),
      control_(
          tasks,
          [this](std::unique_ptr<HttpStream> client, const std::string&) {
            return serve_control(std::move(client));
          },
          limits(), deadlines, kConnectionsMax),
      metrics_(tasks, deadlines, make_report_) {
  control_.limit_users(kConnectionsPerUser);
}

void ControlServer::configure(std::shared_ptr<const Config> config) {
  allowed_ = std::make_unique<PeerAllowList>(config->control_users, config->control_groups);
  metrics_.configure(*config);
  // The group that the package makes need not be there.
  for (const std::string& name : allowed_->unknown()) {
    if (name != "group rouse") spdlog::warn("control: there is no user or group {}", for_log(name));
  }
}

std::string ControlServer::listen(const Config& config) {
  // systemd makes it; who runs the daemon by hand may have none. Listening then says what is
  // wrong.
  std::error_code ignored;
  std::filesystem::create_directory(std::filesystem::path(config.control_socket).parent_path(),
                                    ignored);
  const Result<std::string> control = control_.listen_unix(config.control_socket);
  if (!control) {
    const bool is_taken = control.error().code == boost::system::errc::address_in_use;
    return control.error().message() +
           (is_taken ? ": another rouse-suspendd runs already, or another program" : "");
  }
  if (!config.metrics) return {};
  const Result<void> metrics = metrics_.listen(*config.metrics);
  if (metrics) return {};
  return listen_failure(*config.metrics, metrics.error()) + " (metrics.listen)";
}

void ControlServer::stop_accepting() {
  control_.stop_accepting();
  metrics_.stop_accepting();
}

Task<void> ControlServer::serve_control(std::unique_ptr<HttpStream> client) {
  for (;;) {
    client->expires_after(call_time_);
    Result<std::optional<RequestHead>> head = co_await client->read_request();
    if (!head || !*head) co_return;
    Call call;
    call.head = std::move(**head);
    Result<std::string> body = co_await read_body(*client);
    if (!body) co_return;
    const simdjson::padded_string json(body->empty() ? std::string("{}") : *body);
    if (call.parser.parse(json).get(call.body) != simdjson::SUCCESS) {
      std::string text = message_json("bad_json", "the body is no JSON");
      const Result<bool> told = co_await write_json(*client, 400, std::move(text));
      if (!told) co_return;
      continue;
    }
    if (const std::string fault = fault_of(call); !fault.empty()) {
      std::string text = message_json("bad_request", fault);
      const Result<bool> told = co_await write_json(*client, 400, std::move(text));
      if (!told) co_return;
      continue;
    }
    client->expires_never();  // a gate or a hold takes its time
    const Result<bool> goes_on = co_await answer(*client, call);
    if (!goes_on || !*goes_on) co_return;
  }
}

Task<Result<bool>> ControlServer::write(HttpStream& client, int status, std::string type,
                                        std::string body) {
  ResponseHead head;
  head.status = status;
  head.framing = Framing::Length;
  head.content_length = body.size();
  head.fields.add("content-type", type);
  client.expires_after(call_time_);
  const Result<void> written = co_await client.write_response(head, body, false);
  if (!written) co_return written.error();
  co_return true;
}

Task<Result<bool>> ControlServer::write_json(HttpStream& client, int status, std::string body) {
  co_return co_await write(client, status, "application/json", std::move(body));
}

Task<Result<bool>> ControlServer::reply(HttpStream& client, policy::Reply answer) {
  const int status = answer.accepted ? 200 : 409;
  std::string body = message_json(answer.accepted ? "ok" : "refused", answer.text);
  co_return co_await write_json(client, status, std::move(body));
}

std::string ControlServer::fault_of(const Call& call) {
  if (has_control(call.text("token")) || has_control(call.text("why"))) {
    return "token, why: a line end has no place in them";
  }
  if (call.text("token").size() > kTokenMax) {
    return fmt::format("token: {} bytes at most", kTokenMax);
  }
  for (const char* const key : {"for_ms", "net_ms"}) {
    if (call.has_fine_span(key)) continue;
    return fmt::format("{}: expected milliseconds, of ten years at most", key);
  }
  return {};
}

Task<Result<bool>> ControlServer::answer(HttpStream& client, Call& call) {
  const bool is_get = call.head.method == "GET";
  if (is_get) co_return co_await look(client, call);
  if (call.head.method != "POST") {
    std::string text = message_json("bad_method", "GET or POST");
    co_return co_await write_json(client, 405, std::move(text));
  }
  const Result<PeerCredentials> peer = PeerCredentials::of(client.socket().native_handle());
  const bool is_allowed = peer && allowed_->allows(*peer);
  if (!is_allowed) {
    std::string text = message_json(
        "forbidden",
        fmt::format("{} may not command rouse-suspendd: use sudo, or see control.users "
                    "and control.groups",
                    peer ? user_name(peer->uid) : std::string("who is this? You")));
    co_return co_await write_json(client, 403, std::move(text));
  }
  call.by = fmt::format("{} (pid {})", user_name(peer->uid), peer->pid);
  co_return co_await command(client, call);
}

Task<Result<bool>> ControlServer::look(HttpStream& client, Call& call) {
  const std::string path(call.head.path());
  if (path == "/v1/history") {
    std::string lines;
    for (const std::string& line : state_.history(call.last())) lines += line + "\n";
    co_return co_await write(client, 200, "application/x-ndjson", std::move(lines));
  }
  const Report report = co_await make_report_();
  if (path == "/v1/status") {
    std::string text = status_json(report);
    co_return co_await write_json(client, 200, std::move(text));
  }
  std::string text = path == "/v1/explain" ? explain_text(report)
                     : path == "/v1/brief" ? status_text(report)
                     : path == "/metrics"  ? metrics_text(report)
                                           : std::string();
  if (!text.empty()) co_return co_await write(client, 200, "text/plain", std::move(text));
  std::string error = message_json("not_found", "there is no such path");
  co_return co_await write_json(client, 404, std::move(error));
}

Task<policy::Reply> ControlServer::tell(std::string what, std::string by, policy::CommandId id,
                                        policy::Event event) {
  policy::Reply answer = co_await loop_.command(id, std::move(event));
  notices_.note_command(what, by, answer.accepted, answer.text, loop_.now().realtime);
  co_return answer;
}

Task<Result<bool>> ControlServer::command(HttpStream& client, Call& call) {
  const std::string path(call.head.path());
  if (path == "/v1/gate") co_return co_await gate(client);
  if (path == "/v1/hold") co_return co_await hold(client, call);
  if (path == "/v1/wake-test") co_return co_await wake_test(client, call);
  const policy::CommandId id = loop_.next_command();
  std::optional<policy::Event> event;
  std::string what = path.substr(path.rfind('/') + 1);
  if (path == "/v1/suspend") {
    event = policy::SuspendWanted{id, call.truth("force"), call.by};
    if (call.truth("force")) what += " --force";
  } else if (path == "/v1/unblock") {
    event = policy::UnblockWanted{id, call.by};
  } else if (path == "/v1/release") {
    event = policy::HoldReleased{id, call.text("token")};
    what += " " + call.text("token");
  }
  if (!event) {
    std::string error = message_json("not_found", "there is no such command");
    co_return co_await write_json(client, 404, std::move(error));
  }
  policy::Reply answer = co_await tell(std::move(what), call.by, id, std::move(*event));
  co_return co_await reply(client, std::move(answer));
}

Task<Result<bool>> ControlServer::hold(HttpStream& client, Call& call) {
  // Each is written to the disk with every change of any.
  if (loop_.view().holds.size() >= kHoldsMax) {
    std::string text = message_json("refused", "there are too many holds: release some");
    co_return co_await write_json(client, 409, std::move(text));
  }
  policy::HoldWanted wanted;
  wanted.command = loop_.next_command();
  wanted.token = call.text("token");
  if (wanted.token.empty()) wanted.token = random_token();
  wanted.why = cut_text(one_line(call.text("why")), kWhyMax);
  wanted.by = call.by;
  wanted.lasts = call.span("for_ms");
  wanted.bound = call.truth("bound");
  std::string what = fmt::format("hold {} ({})", wanted.token, wanted.why);
  policy::Reply answer = co_await tell(std::move(what), call.by, wanted.command, wanted);
  if (!answer.accepted) co_return co_await reply(client, std::move(answer));
  std::string body = fmt::format("{{\"token\":{},\"message\":{}}}\n", json_string(wanted.token),
                                 json_string(answer.text));
  if (!wanted.bound) co_return co_await write_json(client, 200, std::move(body));

  ResponseHead head;
  head.framing = Framing::Chunked;
  head.fields.add("content-type", "application/x-ndjson");
  client.expires_after(call_time_);
  const Result<void> written = co_await client.write_response(head, body, true);
  client.expires_never();
  if (written) co_await client.wait_gone();
  loop_.tell(policy::HoldReleased{std::nullopt, wanted.token});
  co_return false;
}

Task<Result<bool>> ControlServer::gate(HttpStream& client) {
  const policy::GateId id = loop_.next_gate();
  client.on_gone([this, id] { loop_.close_gate(id); });
  const policy::AnswerGate answer = co_await loop_.gate(id);
  client.on_gone({});
  std::string body =
      fmt::format("{{\"allow\":{},\"message\":{}}}\n", answer.allow, json_string(answer.reason));
  co_return co_await write_json(client, 200, std::move(body));
}

Task<Result<bool>> ControlServer::wake_test(HttpStream& client, Call& call) {
  const core::Duration net = call.span("net_ms").value_or(core::Duration(15 * 60'000));
  if (net < kSafetyNetLeast) {
    std::string error = message_json("bad_request", "the alarm must be a minute away at least");
    co_return co_await write_json(client, 400, std::move(error));
  }
  set_safety_net_(loop_.now().realtime + net);
  const policy::CommandId id = loop_.next_command();
  std::string what = "wake-test";
  policy::Event event = policy::SuspendWanted{id, false, call.by};
  policy::Reply answer = co_await tell(std::move(what), call.by, id, std::move(event));
  if (!answer.accepted) set_safety_net_(std::nullopt);
  co_return co_await reply(client, std::move(answer));
}

}  // namespace rouse::suspendd
