#include "proxy/telemetry/in_flight.hpp"

#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "proxy/telemetry/activity/captures.hpp"

#include <utility>

namespace rouse {

namespace {

void write_shown_fields(JsonWriter& json, std::string_view key, const Fields& fields,
                        const std::function<bool(const Fields::Field&)>& is_secret) {
  json.key(key);
  json.begin_object();
  for (const Fields::Field& field : fields) {
    json.member(field.name, is_secret && is_secret(field) ? kRedacted : shown_value(field));
  }
  json.end_object();
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Reading:
      return "reading";
    case Phase::Queued:
      return "queued";
    case Phase::Loading:
      return "loading";
    case Phase::Prefill:
      return "prefill";
    case Phase::Streaming:
      break;
  }
  return "streaming";
}

InFlight::Entry::Entry(InFlight& all, const RequestHead& head, std::string remote,
                       std::function<void()> cancel,
                       std::function<bool(const Fields::Field&)> is_secret)
    : all_(all),
      id_(all.next_id_++),
      head_(head),
      remote_(std::move(remote)),
      cancel_(std::move(cancel)),
      is_secret_(std::move(is_secret)) {
  all_.entries_.emplace_hint(all_.entries_.end(), id_, this);
}

InFlight::Entry::~Entry() {
  all_.entries_.erase(id_);
  tell(true);
}

void InFlight::Entry::set_model(std::string model) {
  if (model_ == model) return;
  model_ = std::move(model);
  tell(false);
}

void InFlight::Entry::set_phase(Phase phase) {
  if (std::exchange(phase_, phase) == phase || model_.empty()) return;
  tell(false);
}

void InFlight::Entry::add_bytes(std::size_t n) {
  constexpr std::chrono::milliseconds kBetween{250};
  bytes_ += n;
  if (n > 0 && all_.clock_() - told_at_ >= kBetween) tell(false);
}

void InFlight::Entry::tell(bool removed) {
  if (!all_.listener_) return;
  told_at_ = all_.clock_();
  all_.listener_(*this, removed);
}

void InFlight::Entry::set_answer(const ResponseHead& head) {
  answer_ = head.fields;
  tell(false);
}

std::string InFlight::Entry::json() const {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began_);
  JsonWriter json;
  json.begin_object();
  json.member("id", std::to_string(id_));
  json.member("timestamp", to_rfc3339(started_at_));
  json.member("model", model_);
  json.member("req_path", head_.path());
  json.member("method", head_.method);
  write_shown_fields(json, "req_headers", head_.fields, is_secret_);
  json.member("remote_ip", remote_);
  write_shown_fields(json, "resp_headers", answer_, is_secret_);
  json.member("resp_bytes", bytes_);
  json.member("elapsed_ms", static_cast<std::int64_t>(elapsed.count()));
  json.member("phase", to_string(phase_));
  json.end_object();
  return json.take();
}

bool InFlight::cancel(std::uint64_t id) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return false;
  it->second->cancel_();
  return true;
}

}  // namespace rouse
