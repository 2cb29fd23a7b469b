#include "suspendd/proxy/power_client.hpp"

#include "base/http/connect.hpp"
#include "base/net/peer_credentials.hpp"
#include "base/text/json_writer.hpp"
#include "suspendd/checks/proxy_activity.hpp"
#include "suspendd/proxy/json_ask.hpp"
#include "suspendd/text/json_members.hpp"
#include "suspendd/text/others_words.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <utility>

namespace rouse::suspendd {

namespace {

namespace dom = simdjson::dom;
using std::chrono::milliseconds;

constexpr std::size_t kLineMax = 64 * 1024;

PowerClient::Answer read_answer(const HttpAnswer& http) {
  PowerClient::Answer answer;
  answer.ok = http.ok();
  dom::parser parser;
  dom::element root;
  if (parser.parse(http.body).get(root) == simdjson::SUCCESS) {
    answer.code = text_of(root, "code");
    answer.epoch = static_cast<std::uint64_t>(number_of(root, "epoch"));
  }
  if (answer.ok) return answer;
  dom::element busy;
  const bool has_list = root["busy"].get(busy) == simdjson::SUCCESS;
  answer.why = others_words(answer.code == "busy" && has_list ? proxy_activity(http.body).reason
                                                              : refusal_text(http));
  return answer;
}

std::string lease_json(const std::string& lease) {
  return fmt::format(R"({{"lease":{}}})", json_string(lease));
}

PowerClient::Lease::End read_end(const std::string& line) {
  PowerClient::Lease::End end;
  dom::parser parser;
  dom::element root;
  if (parser.parse(line).get(root) != simdjson::SUCCESS) {
    end.why = "the proxy's word about the lease cannot be read";
    return end;
  }
  const std::string event = text_of(root, "event");
  end.by = others_words(text_of(root, "by"));
  end.why = others_words(text_of(root, "message"));
  end.cancelled = event == "cancelled" && end.by == "request";
  return end;
}

/// What the line that grants a lease says of the proxy's last work.
std::optional<milliseconds> idle_in(const std::string& line) {
  dom::parser parser;
  dom::element root;
  std::int64_t idle = 0;
  if (parser.parse(line).get(root) != simdjson::SUCCESS) return std::nullopt;
  if (root["last_activity_ms"].get(idle) != simdjson::SUCCESS) return std::nullopt;
  return milliseconds(idle);
}

/// The rest of the body of an answer that is no stream.
Task<Result<std::string>> read_rest(HttpStream& stream) {
  std::string body;
  for (;;) {
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece) co_return piece.error();
    if (piece->empty() || body.size() > kLineMax) co_return body;
    body += *piece;
  }
}

}  // namespace

PowerClient::PowerClient(Executor executor, HttpPool& pool, StreamDeadlines& deadlines,
                         std::string socket, Patience patience)
    : executor_(std::move(executor)),
      pool_(pool),
      deadlines_(deadlines),
      socket_(std::move(socket)),
      patience_(patience) {}

Task<Result<std::string>> PowerClient::Lease::read_line() {
  for (;;) {
    const std::size_t line_end = unread_.find('\n');
    if (line_end != std::string::npos) {
      std::string line = unread_.substr(0, line_end);
      unread_.erase(0, line_end + 1);
      co_return line;
    }
    const Result<std::string_view> piece = co_await stream_->read_body();
    if (!piece) co_return piece.error();
    if (piece->empty()) {
      co_return Error{make_error_code(boost::asio::error::eof), "the proxy has ended the lease"};
    }
    if (unread_.size() > kLineMax) {
      co_return Error{make_error_code(boost::system::errc::message_size), "too long a line"};
    }
    unread_ += *piece;
  }
}

Task<PowerClient::Lease::End> PowerClient::Lease::wait() {
  for (;;) {
    const Result<std::string> line = co_await read_line();
    if (!line) co_return End{false, "gone", line.error().message()};
    // Blank lines keep the connection alive.
    const bool is_news = line->find("\"cancelled\"") != std::string::npos ||
                         line->find("\"awake\"") != std::string::npos;
    if (is_news) co_return read_end(*line);
  }
}

Task<Result<PowerClient::Drained>> PowerClient::drain(std::string lease, milliseconds ttl,
                                                      std::string reason, bool force) {
  Result<HttpStream::Socket> socket =
      co_await connect_to(executor_, unix_endpoint(socket_), patience_.call);
  if (!socket) co_return socket.error();
  pid_ = peer_pid(socket->native_handle());
  auto stream = std::make_unique<HttpStream>(std::move(*socket), HttpStream::Role::Client,
                                             HttpLimits(), &deadlines_);
  stream->expires_after(patience_.call);
  const std::string body = fmt::format(R"({{"lease":{},"ttl_ms":{},"reason":{},"force":{}}})",
                                       json_string(lease), ttl.count(), json_string(reason), force);
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/power/drain";
  head.fields.add("host", "localhost");
  head.fields.add("content-type", "application/json");
  head.framing = Framing::Length;
  head.content_length = body.size();
  const Result<void> sent = co_await stream->write_request(head, body, false);
  if (!sent) co_return sent.error();
  Result<ResponseHead> response = co_await stream->read_response(false);
  if (!response) co_return response.error();

  Drained drained;
  if (response->status != 200) {
    Result<std::string> rest = co_await read_rest(*stream);
    if (!rest) co_return rest.error();
    HttpAnswer refusal;
    refusal.status = response->status;
    refusal.body = std::move(*rest);
    drained.answer = read_answer(refusal);
    co_return drained;
  }
  drained.answer.ok = true;
  drained.lease = std::make_unique<Lease>();
  drained.lease->stream_ = std::move(stream);
  Result<std::string> first = co_await drained.lease->read_line();
  if (!first) co_return first.error();
  drained.idle = idle_in(*first);
  drained.lease->stream_->expires_never();
  co_return drained;
}

Task<Result<PowerClient::Answer>> PowerClient::post(std::string path, std::string body,
                                                    milliseconds limit) {
  HttpAsk ask = json_ask(unix_endpoint(socket_), "POST", path, std::move(body), limit);
  const Result<HttpAnswer> answer = co_await http_ask(pool_, std::move(ask));
  if (!answer) co_return answer.error();
  co_return read_answer(*answer);
}

Task<Result<PowerClient::Answer>> PowerClient::unload(std::string lease, milliseconds limit) {
  std::string body = fmt::format(R"({{"lease":{},"policy":"auto"}})", json_string(lease));
  co_return co_await post("/v1/power/unload", std::move(body), limit);
}

Task<Result<PowerClient::Answer>> PowerClient::commit(std::string lease, std::string expect_wake) {
  const std::string wake = expect_wake.empty() ? "null" : json_string(expect_wake);
  std::string body = fmt::format(R"({{"lease":{},"expect_wake":{}}})", json_string(lease), wake);
  co_return co_await post("/v1/power/commit", std::move(body), patience_.commit);
}

Task<Result<PowerClient::Answer>> PowerClient::release(std::string lease) {
  co_return co_await post("/v1/power/release", lease_json(lease), patience_.call);
}

Task<Result<PowerClient::Answer>> PowerClient::resumed(std::uint64_t epoch, milliseconds slept,
                                                       std::string wake) {
  std::string body = fmt::format(R"({{"epoch":{},"slept_ms":{},"wake":{}}})", epoch, slept.count(),
                                 json_string(wake));
  co_return co_await post("/v1/power/resumed", std::move(body), patience_.call);
}

Task<Result<PowerClient::Answer>> PowerClient::tell_facts(std::string json) {
  co_return co_await post("/v1/power/facts", std::move(json), patience_.call);
}

Task<Result<PowerClient::Answer>> PowerClient::restart_engines(std::string lease,
                                                               milliseconds limit) {
  Result<Drained> drained =
      co_await drain(lease, limit + patience_.call, "the GPU is to be brought back", false);
  if (!drained) co_return drained.error();
  if (!drained->answer.ok) co_return drained->answer;
  Result<Answer> unloaded = co_await unload(lease, limit);
  // The lease ends with its connection, too; asked for, it has ended when this returns.
  Result<Answer> released = co_await release(lease);
  static_cast<void>(released);
  co_return unloaded;
}

Task<Result<PowerClient::Activity>> PowerClient::activity() {
  HttpAsk ask = json_ask(unix_endpoint(socket_), "GET", "/v1/power/activity", {}, patience_.call);
  const Result<HttpAnswer> answer = co_await http_ask(pool_, std::move(ask));
  if (!answer) co_return answer.error();
  pid_ = answer->peer_pid;
  if (!answer->ok()) {
    co_return Error{make_error_code(boost::system::errc::permission_denied), refusal_text(*answer)};
  }
  dom::parser parser;
  dom::element root;
  if (parser.parse(answer->body).get(root) != simdjson::SUCCESS) {
    co_return Error{make_error_code(boost::system::errc::bad_message), "the proxy's activity"};
  }
  Activity activity;
  activity.idle = milliseconds(number_of(root, "last_activity_ms"));
  const Finding finding = proxy_activity(answer->body);
  if (finding.verdict == Verdict::Active) activity.busy = finding.reason;
  co_return activity;
}

}  // namespace rouse::suspendd
