#include "base/async/use_task.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_io.hpp"
#include "base/service/log.hpp"
#include "proxy/peers/peer.hpp"
#include "proxy/telemetry/metrics_peers.hpp"

#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <set>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;
namespace peer = core::peer;

// The part of a Peer that listens to what another rouse says of itself, and remembers it.

namespace {

/// It says something every 5 s, if only a comment.
constexpr auto kSilenceMax = 11s;
/// Between two beginnings of listening.
constexpr auto kListenPause = 5s;
constexpr std::size_t kEventMax = 256 * 1024;

/// The data of the first whole event in @p text, which is taken out; nullopt: there is none yet.
std::optional<std::string> take_event(std::string& text) {
  const std::size_t end = text.find("\n\n");
  if (end == std::string::npos) return std::nullopt;
  std::string data;
  std::string_view event = std::string_view(text).substr(0, end + 1);
  while (!event.empty()) {
    const std::size_t line_end = event.find('\n');
    std::string_view line = event.substr(0, line_end);
    event.remove_prefix(line_end + 1);
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(5);
    if (line.starts_with(' ')) line.remove_prefix(1);
    data += line;
  }
  text.erase(0, end + 2);
  return data;
}

}  // namespace

void Peer::listen_if_up() {
  if (foreign_ || listening_ || retired_ || !is_up() || !state_.view().epoch) return;
  listening_ = true;
  world_.tasks.spawn(listen());
}

/// As long as the peer is up. Every end of the stream is told to the state, which asks then.
Task<void> Peer::listen() {
  const std::shared_ptr<Peer> self = shared_from_this();
  SteadyTimer pause(world_.tasks.executor());
  bool goes_on = true;
  while (goes_on) {
    const auto again_at = std::chrono::steady_clock::now() + kListenPause;
    goes_on = co_await hear_out();
    announcements_.reset();
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    goes_on = goes_on && is_up() && !retired_ && !is_cancelled(cancelled);
    if (!goes_on) break;
    pause.expires_at(again_at);
    const auto [failed] = co_await pause.async_wait(use_task);
    goes_on = !failed && is_up() && !retired_;
  }
  listening_ = false;
}

Task<bool> Peer::hear_out() {
  auto lease = co_await world_.pool.connect(config_.endpoint, 1s, true);
  if (!lease || retired_ || !is_up()) co_return true;
  announcements_ = std::move(lease->stream);
  HttpStream& stream = *announcements_;
  stream.expires_after(kSilenceMax);
  RequestHead head = request_to_peer(probe_plan(), "/v1/power/events");
  head.fields.set("accept", "text/event-stream");
  const Result<void> sent = co_await stream.write_request(head, std::string_view(), false);
  if (!sent) co_return true;
  const Result<ResponseHead> answer = co_await stream.read_response(false);
  if (!answer) co_return true;
  if (answer->status != 200) {
    spdlog::warn(
        "peer {} does not let us listen to its power events: status {}; it is asked "
        "instead{}",
        name_, answer->status,
        answer->status == 401 || answer->status == 403
            ? " (its key, apiKey, needs the scope observe there)"
            : "");
    co_return answer->status >= 500;
  }
  std::string text;
  bool heard_any = false;
  while (is_up() && !retired_ && text.size() <= kEventMax) {
    stream.expires_after(kSilenceMax);
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece || piece->empty()) break;
    text += *piece;
    while (const std::optional<std::string> data = take_event(text)) {
      heard_any = true;
      if (!data->empty()) heard(*data);
    }
  }
  if (heard_any && !retired_ && is_up()) post(peer::AnnouncementsLost{});
  co_return true;
}

void Peer::heard(std::string_view data) {
  const std::optional<PowerNews> news = parse_power_news(data);
  if (!news) return;
  world_.metrics.seen(name_);
  learn(*news);
  if (news->power == peer::Announced::PowerState::Suspending) {
    world_.tasks.spawn(acknowledge(news->epoch.number));
  }
  post(peer::Announced{news->power, news->epoch});
}

/// On a connection of its own: the peer waits for it, and not for long.
Task<void> Peer::acknowledge(std::uint64_t epoch) {
  const std::shared_ptr<Peer> self = shared_from_this();
  auto lease = co_await world_.pool.connect(config_.endpoint, 1s, true);
  if (!lease) co_return;
  lease->stream->expires_after(1s);
  RequestHead head = request_to_peer(probe_plan(), "/v1/power/ack");
  head.method = "POST";
  head.fields.add("content-type", "application/json");
  const std::string body = fmt::format("{{\"epoch\":{}}}", epoch);
  head.framing = Framing::Length;
  head.content_length = body.size();
  const Result<void> sent = co_await lease->stream->write_request(head, body, false);
  if (sent) {
    const Result<ResponseHead> answer = co_await lease->stream->read_response(false);
    if (!answer) spdlog::debug("peer {}: its sleep was acknowledged in vain", name_);
  }
}

Task<void> Peer::learn_models() {
  const std::shared_ptr<Peer> self = shared_from_this();
  auto listed = co_await list_models_of(world_.pool, probe_plan());
  learning_ = false;
  if (!listed) {
    // Where the models are named, only what they can do stays unknown.
    spdlog::log(config_.learns_models ? spdlog::level::warn : spdlog::level::debug,
                "peer {}: its models were not learned: {}", name_, listed.error().message());
    co_return;
  }
  memory_.models.clear();
  memory_.capabilities.clear();
  for (wire::ListedModel& model : *listed) {
    if (!model.can.is_empty()) memory_.capabilities.emplace(model.id, std::move(model.can));
    memory_.models.push_back(std::move(model.id));
  }
  memory_.listed_at = std::chrono::system_clock::now();
  remember();
  if (world_.on_change) world_.on_change();
}

void Peer::learn(const PowerNews& news) {
  if (news.macs.empty() || !config_.wake || !config_.wake->learns_macs) return;
  const std::set<MacAddress> macs(news.macs.begin(), news.macs.end());
  if (std::vector<MacAddress>(macs.begin(), macs.end()) == memory_.macs) return;
  memory_.macs.assign(macs.begin(), macs.end());
  make_sender();
  std::string list;
  for (const MacAddress& mac : memory_.macs) list += " " + mac.text();
  spdlog::info("peer {} listens for magic packets at{}", name_, list);
  remember();
}

void Peer::remember() {
  memory_.state = state_.memory();
  // A peer of the same name may be configured by now, and the file its own.
  if (world_.dir.empty() || retired_) return;
  const auto file = peer_memory_file(world_.dir, name_);
  const Result<void> written = write_peer_memory(file, memory_);
  if (!written && !std::exchange(told_unsaved_, true)) {
    spdlog::warn("{}: {}; after a restart it is met as a stranger", written.error().doing,
                 written.error().code.message());
  }
}

}  // namespace rouse
