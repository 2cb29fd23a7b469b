#include "proxy/peers/probe.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <utility>

namespace rouse {

using namespace std::chrono_literals;
using core::peer::Sign;

namespace {

constexpr auto kAnswerLimit = 1s;
constexpr auto kListLimit = 10s;
constexpr std::size_t kPowerMax = 64 * 1024;
constexpr std::size_t kListMax = 4 * 1024 * 1024;

struct Answer {
  int status = 0;
  std::string body;
  bool stays_open = false;
};

Task<Result<Answer>> get(HttpStream& stream, RequestHead head, std::chrono::milliseconds limit,
                         std::size_t body_max) {
  stream.expires_after(limit);
  const Result<void> sent = co_await stream.write_request(head, std::string_view(), false);
  if (!sent) co_return sent.error();
  const Result<ResponseHead> got = co_await stream.read_response(false);
  if (!got) co_return got.error();
  Answer answer;
  answer.status = got->status;
  while (!stream.body_done() && answer.body.size() < body_max) {
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece) co_return piece.error();
    answer.body += *piece;
  }
  answer.stays_open = stream.body_done() && got->keep_alive;
  co_return answer;
}

PeerAnswer silent(const Error& error) {
  return {Sign::Silent, std::nullopt, false, error.message()};
}

PeerAnswer answer_of(PowerNews news) {
  PeerAnswer answer;
  // One that drains still takes requests, and does not sleep then.
  const bool leaves = news.power == core::peer::Announced::PowerState::Suspending;
  answer.sign = leaves ? Sign::Suspending : Sign::Answers;
  answer.detail = fmt::format("says that it is {}", core::peer::to_string(news.power));
  answer.news = std::move(news);
  return answer;
}

PeerAnswer answer_of(const Answer& health, const std::string& path) {
  PeerAnswer answer;
  answer.sign = health.status < 500 ? Sign::Answers : Sign::Unwell;
  answer.detail = fmt::format("answers {} to {}", health.status, path);
  return answer;
}

/// A connection of its own; null: @p answer says why.
Task<std::unique_ptr<HttpStream>> connect(HttpPool& pool, Endpoint endpoint,
                                          std::chrono::milliseconds limit, PeerAnswer& answer) {
  auto lease = co_await pool.connect(std::move(endpoint), limit, true);
  if (lease) co_return std::move(lease->stream);
  answer = silent(lease.error());
  if (lease.error().code == asio::error::connection_refused) {
    answer.sign = Sign::Refuses;
    answer.detail += ": the machine is up, or still on its way down; its service does not listen";
  }
  co_return nullptr;
}

Task<PeerAnswer> probe_health(HttpPool& pool, ProbePlan plan, std::chrono::milliseconds limit,
                              std::unique_ptr<HttpStream> stream) {
  PeerAnswer answer;
  std::vector<std::string> paths{plan.path.empty() ? "/health" : plan.path};
  // Ollama and LM Studio have no /health, and a list of models.
  if (plan.path.empty()) paths.emplace_back("/v1/models");
  for (const std::string& path : paths) {
    const bool reused = stream != nullptr;
    if (!stream) stream = co_await connect(pool, plan.endpoint, limit, answer);
    if (!stream) co_return answer;
    Result<Answer> got = co_await get(*stream, request_to_peer(plan, path), kAnswerLimit, kListMax);
    if (!got && reused) {  // closed after its last answer, without a word
      stream = co_await connect(pool, plan.endpoint, limit, answer);
      if (!stream) co_return answer;
      got = co_await get(*stream, request_to_peer(plan, path), kAnswerLimit, kListMax);
    }
    if (!got) co_return silent(got.error());
    answer = answer_of(*got, path);
    if (got->status != 404) break;
    if (!got->stays_open) stream.reset();
  }
  co_return answer;
}

}  // namespace

RequestHead request_to_peer(const ProbePlan& plan, const std::string& path) {
  RequestHead head;
  head.method = "GET";
  head.target = plan.endpoint.base_path + path;
  head.version = 11;
  head.keep_alive = true;
  head.fields.add("host", plan.endpoint.host_field());
  head.fields.add("user-agent", "rouse");
  if (!plan.api_key.empty()) {
    head.fields.add("authorization", "Bearer " + plan.api_key);
    head.fields.add("x-api-key", plan.api_key);
  }
  return head;
}

Task<PeerAnswer> probe_peer(HttpPool& pool, ProbePlan plan, std::chrono::milliseconds limit) {
  PeerAnswer answer;
  bool is_rouse = false;
  plan.endpoint.tls_timeout = std::min<std::chrono::milliseconds>(plan.endpoint.tls_timeout, 1s);
  std::unique_ptr<HttpStream> stream = co_await connect(pool, plan.endpoint, limit, answer);
  if (!stream) co_return answer;
  if (!plan.foreign) {
    RequestHead head = request_to_peer(plan, "/v1/power");
    const Result<Answer> got = co_await get(*stream, std::move(head), kAnswerLimit, kPowerMax);
    if (!got) co_return silent(got.error());
    if (got->status == 200) {
      std::optional<PowerNews> news = parse_power_news(got->body);
      if (news) co_return answer_of(std::move(*news));
    }
    // Another rouse may be hidden by its own trouble, or by a key that lacks a scope.
    is_rouse = got->status == 401 || got->status == 403 || got->status >= 500;
    if (!got->stays_open) stream.reset();
  }
  answer = co_await probe_health(pool, std::move(plan), limit, std::move(stream));
  answer.foreign = !is_rouse && answer.sign == Sign::Answers;
  co_return answer;
}

Task<Result<std::vector<wire::ListedModel>>> list_models_of(HttpPool& pool, ProbePlan plan) {
  PeerAnswer failed;
  auto stream = co_await connect(pool, plan.endpoint, 5s, failed);
  if (!stream) co_return Error{asio::error::not_connected, failed.detail};
  RequestHead head = request_to_peer(plan, "/v1/models");
  const Result<Answer> got = co_await get(*stream, std::move(head), kListLimit, kListMax);
  if (!got) co_return got.error();
  std::optional<std::vector<wire::ListedModel>> models;
  if (got->status == 200) models = wire::read_model_list(got->body);
  if (models) co_return std::move(*models);
  co_return Error{asio::error::invalid_argument,
                  fmt::format("its /v1/models answered {} and no list", got->status)};
}

}  // namespace rouse
