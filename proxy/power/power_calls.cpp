#include "proxy/power/power_calls.hpp"

#include "base/async/use_task.hpp"
#include "base/service/log.hpp"
#include "base/text/ascii.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/wire/refusal.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

namespace rouse {

namespace {

namespace cp = core::power;
using namespace std::chrono_literals;

constexpr std::size_t kBodyMax = 64 * 1024;
constexpr auto kBodyTime = 10s;
constexpr auto kUnloadLimit = 45s;
constexpr std::size_t kTextMax = 1000;
constexpr std::size_t kLeaseMax = 128;
constexpr std::int64_t kMsMax = 366LL * 24 * 3600 * 1000;

struct Reply {
  int status = 200;
  std::string body = "{}";
};

Reply problem(int status, std::string_view code, std::string_view message) {
  JsonWriter json;
  json.begin_object();
  json.member("code", code);
  json.member("message", message);
  json.end_object();
  return {status, json.take()};
}

Reply refused(const cp::Refuse& refuse) {
  JsonWriter json;
  json.begin_object();
  json.member("code", to_string(refuse.why));
  json.member("message", refuse.text);
  if (refuse.why == cp::Deny::Busy) write_busy(json, refuse.busy);
  json.end_object();
  return {409, json.take()};
}

/// The members of a call's body. What is missing or of another type is told once, in problem().
class Call {
 public:
  explicit Call(const std::string& body) : text_(body) {
    if (parser_.parse(text_).get(object_) != simdjson::SUCCESS) fault("expected a JSON object");
  }

  std::string text(const char* name, bool needed, std::size_t max = kTextMax) {
    simdjson::dom::element value;
    if (!problem_.empty()) return {};
    if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) {
      if (needed) fault(fmt::format("\"{}\" is missing", name));
      return {};
    }
    std::string_view found;
    if (value.get(found) != simdjson::SUCCESS || found.size() > max) {
      fault(fmt::format("\"{}\" must be a text of at most {} bytes", name, max));
    } else if (has_control(found)) {
      fault(fmt::format("\"{}\" has a line end or another control character", name));
    } else if (needed && found.empty()) {
      fault(fmt::format("\"{}\" is empty", name));
    }
    return std::string(found);
  }

  std::int64_t number(const char* name, std::int64_t min, std::int64_t max) {
    std::int64_t found = 0;
    if (!problem_.empty()) return 0;
    if (object_.at_key(name).get(found) != simdjson::SUCCESS || found < min || found > max) {
      fault(fmt::format("\"{}\" must be a whole number from {} to {}", name, min, max));
    }
    return found;
  }

  /// false where it is missing or null.
  bool truth(const char* name) {
    simdjson::dom::element value;
    bool found = false;
    if (!problem_.empty() || object_.at_key(name).get(value) != simdjson::SUCCESS) return false;
    if (!value.is_null() && value.get(found) != simdjson::SUCCESS) {
      fault(fmt::format("\"{}\" must be true or false", name));
    }
    return found;
  }

  std::string lease() { return text("lease", true, kLeaseMax); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void fault(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
  }

  simdjson::padded_string text_;
  simdjson::dom::parser parser_;
  simdjson::dom::object object_;
  std::string problem_;
};

ResponseHead head_for(const RequestHead& request, const HttpStream& client, const Reply& reply) {
  ResponseHead head = own_head(reply.status, "application/json");
  head.content_length = reply.body.size();
  head.keep_alive = request.keep_alive && client.body_done();
  return head;
}

Task<bool> send(HttpStream& client, const RequestHead& request, Reply reply) {
  const ResponseHead head = head_for(request, client, reply);
  const Result<void> sent = co_await client.write_response(head, reply.body, false);
  if (sent && !client.body_done()) co_await client.linger_close();
  co_return sent&& head.keep_alive;
}

/// nullopt: too long, too slow, or gone.
Task<std::optional<std::string>> read_body(HttpStream& client) {
  std::string body;
  client.expires_after(kBodyTime);
  while (!client.body_done()) {
    const Result<std::string_view> piece = co_await client.read_body();
    if (!piece || body.size() + piece->size() > kBodyMax) co_return std::nullopt;
    body += *piece;
  }
  client.expires_never();
  co_return body;
}

std::string granted_line(const cp::Grant& grant) {
  JsonWriter json;
  json.begin_object();
  json.member("event", "granted");
  json.member("lease", grant.lease);
  json.member("epoch", grant.epoch);
  json.member("last_activity_ms", static_cast<std::int64_t>(grant.idle.count()));
  json.end_object();
  return json.take() + "\n";
}

std::string end_line(const cp::Cancel& end) {
  JsonWriter json;
  json.begin_object();
  json.member("event", end.was_committed ? "awake" : "cancelled");
  json.member("lease", end.lease);
  json.member("by", end.by);
  json.member("message", end.text);
  json.end_object();
  return json.take() + "\n";
}

/// The lease, as long as it lasts.
Task<void> hold(HttpStream& client, const RequestHead& request, cp::Grant grant, Power& power) {
  const auto executor = co_await asio::this_coro::executor;
  SteadyTimer bell(executor);
  bool gone = false;
  Power::Holder holder(power, grant.lease, [&bell] { bell.cancel(); });
  client.on_gone([&] {
    gone = true;
    bell.cancel();
  });
  ResponseHead head = own_head(200, "application/x-ndjson");
  head.framing = request.version == 10 ? Framing::UntilClose : Framing::Chunked;
  head.keep_alive = false;
  std::string line = granted_line(grant);
  Result<void> sent = co_await client.write_response(head, line, true);
  while (sent && !gone && !holder.end()) {
    bell.expires_at(SteadyTimer::time_point::max());
    co_await bell.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
  }
  client.on_gone(nullptr);
  line = holder.end() ? end_line(*holder.end()) : std::string();
  if (sent && !gone) sent = co_await client.write_body(line, false);
}

Task<bool> drain(HttpStream& client, const RequestHead& request, const std::string& body,
                 Power& power) {
  Call call(body);
  cp::DrainAsked asked;
  asked.lease = call.lease();
  asked.ttl = core::Duration(call.number("ttl_ms", 1, kMsMax));
  asked.reason = call.text("reason", false);
  asked.force = call.truth("force");
  if (!call.problem().empty()) {
    Reply wrong = problem(400, "bad_request", call.problem());
    co_return co_await send(client, request, std::move(wrong));
  }
  asked.busy = power.busy();
  const std::optional<cp::Action> answer = power.ask(asked);
  if (answer && std::holds_alternative<cp::Grant>(*answer)) {
    cp::Grant grant = std::get<cp::Grant>(*answer);
    co_await hold(client, request, std::move(grant), power);
    co_return false;
  }
  const auto* const refuse = answer ? std::get_if<cp::Refuse>(&*answer) : nullptr;
  Reply reply;
  if (refuse != nullptr) reply = refused(*refuse);
  co_return co_await send(client, request, std::move(reply));
}

Task<Reply> unload(std::string body, Power& power) {
  Call call(body);
  const std::string lease = call.lease();
  const std::string policy = call.text("policy", false);
  if (!call.problem().empty()) co_return problem(400, "bad_request", call.problem());
  if (!policy.empty() && policy != "auto" && policy != "never") {
    co_return problem(400, "bad_request", "\"policy\" must be auto or never");
  }
  const std::optional<cp::Action> answer = power.ask(cp::UnloadAsked{lease});
  if (answer && std::holds_alternative<cp::Refuse>(*answer)) {
    co_return refused(std::get<cp::Refuse>(*answer));
  }
  std::vector<std::string> unloaded;
  if (policy != "never") {
    unloaded = co_await power.unload(lease, kUnloadLimit);
    if (!power.holds(lease)) co_return problem(409, "lease_gone", "the lease was taken away");
    if (!power.resident().empty()) {
      co_return problem(504, "unload_timeout",
                        fmt::format("still there: {}", fmt::join(power.resident(), ", ")));
    }
  }
  JsonWriter json;
  json.begin_object();
  json.key("unloaded");
  json.begin_array();
  for (const std::string& model : unloaded) json.value(model);
  json.end_array();
  json.end_object();
  co_return Reply{200, json.take()};
}

Reply commit_reply(const cp::Action& answer) {
  JsonWriter json;
  json.begin_object();
  if (const auto* done = std::get_if<cp::Committed>(&answer)) {
    json.member("epoch", done->epoch);
    json.member("acks", static_cast<std::uint64_t>(done->acks));
    json.member("subscribers", static_cast<std::uint64_t>(done->subscribers));
  } else if (const auto* renewed = std::get_if<cp::Renewed>(&answer)) {
    json.member("epoch", renewed->epoch);
    json.member("renewed", true);
  } else if (const auto* overtaken = std::get_if<cp::CommitCancelled>(&answer)) {
    return problem(409, "overtaken", overtaken->text);
  } else if (const auto* refuse = std::get_if<cp::Refuse>(&answer)) {
    return refused(*refuse);
  }
  json.end_object();
  return {200, json.take()};
}

Task<Reply> commit(std::string body, Power& power) {
  Call call(body);
  cp::CommitAsked asked;
  asked.lease = call.lease();
  const std::string expect_wake = call.text("expect_wake", false);
  if (!call.problem().empty()) co_return problem(400, "bad_request", call.problem());
  asked.busy = power.busy();
  asked.subscribers = power.subscribers().listeners();
  power.expect_wake(expect_wake);
  std::optional<cp::Action> answer = power.ask(asked);
  if (!answer) answer = co_await power.committed();
  co_return commit_reply(*answer);
}

Reply resumed(const std::string& body, Power& power) {
  Call call(body);
  cp::ResumeReported told;
  told.epoch =
      static_cast<std::uint64_t>(call.number("epoch", 0, std::numeric_limits<std::int64_t>::max()));
  told.slept = core::Duration(call.number("slept_ms", 0, kMsMax));
  told.wake = call.text("wake", false);
  if (!call.problem().empty()) return problem(400, "bad_request", call.problem());
  const std::optional<cp::Action> answer = power.ask(told);
  if (answer && std::holds_alternative<cp::Refuse>(*answer)) {
    return refused(std::get<cp::Refuse>(*answer));
  }
  JsonWriter json;
  json.begin_object();
  if (answer) json.member("epoch", std::get<cp::ResumeAcknowledged>(*answer).epoch);
  json.end_object();
  return {200, json.take()};
}

Reply release(const std::string& body, Power& power) {
  Call call(body);
  const std::string lease = call.lease();
  if (!call.problem().empty()) return problem(400, "bad_request", call.problem());
  const std::optional<cp::Action> answer = power.ask(cp::ReleaseAsked{lease});
  if (answer && std::holds_alternative<cp::Refuse>(*answer)) {
    return refused(std::get<cp::Refuse>(*answer));
  }
  return {};
}

Reply facts(const std::string& body, Power& power) {
  const std::string wrong = power.tell_facts(body);
  return wrong.empty() ? Reply{} : problem(400, "bad_request", wrong);
}

Task<Reply> post(std::string_view what, std::string body, Power& power) {
  if (what == "unload") co_return co_await unload(std::move(body), power);
  if (what == "commit") co_return co_await commit(std::move(body), power);
  if (what == "resumed") co_return resumed(body, power);
  if (what == "release") co_return release(body, power);
  if (what == "facts") co_return facts(body, power);
  co_return problem(404, "not_found",
                    "use drain, unload, commit, resumed, release, facts or activity");
}

}  // namespace

Task<bool> answer_power_call(HttpStream& client, RequestHead request, Power& power) {
  static constexpr std::string_view kPrefix = "/v1/power/";
  std::optional<std::string> body = co_await read_body(client);
  if (!body) {
    Reply reply = problem(400, "bad_request", "a body of at most 64 KiB, within 10 s");
    co_return co_await send(client, request, std::move(reply));
  }
  const std::string path(request.path());
  const bool is_read = request.method == "GET";
  if (is_read && path == "/v1/power/activity") {
    Reply reply{200, power.activity_json()};
    co_return co_await send(client, request, std::move(reply));
  }
  if (is_read && path == "/v1/power") {
    Reply reply{200, power.snapshot_json()};
    co_return co_await send(client, request, std::move(reply));
  }
  if (!path.starts_with(kPrefix)) {
    Reply reply = problem(404, "not_found", "there is nothing at " + for_log(path));
    co_return co_await send(client, request, std::move(reply));
  }
  if (request.method != "POST") {
    Reply reply = problem(405, "method_not_allowed", "use POST for " + for_log(path));
    co_return co_await send(client, request, std::move(reply));
  }
  const std::string what = path.substr(kPrefix.size());
  if (what == "drain") co_return co_await drain(client, request, *body, power);
  Reply reply = co_await post(what, std::move(*body), power);
  co_return co_await send(client, request, std::move(reply));
}

Task<void> refuse_power_head(HttpStream& client, const Error& error) {
  const int status = status_for(error.code);
  if (status == 0) co_return;
  const Reply reply = problem(status, "bad_request", error.message());
  ResponseHead head = own_head(reply.status, "application/json");
  head.content_length = reply.body.size();
  head.keep_alive = false;
  client.expires_after(kBodyTime);
  const Result<void> sent = co_await client.write_response(head, reply.body, false);
  if (sent) co_await client.linger_close();
}

Task<void> refuse_power_call(HttpStream& client, const RequestHead& request, std::string who) {
  Reply reply = problem(403, "forbidden",
                        who +
                            " may not use this socket: name the user or a group of it in power: "
                            "of the configuration, or use the user that rouse runs as, or root");
  ResponseHead head = head_for(request, client, reply);
  head.keep_alive = false;
  const Result<void> sent = co_await client.write_response(head, reply.body, false);
  if (sent) co_await client.linger_close();
}

}  // namespace rouse
