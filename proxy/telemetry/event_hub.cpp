#include "proxy/telemetry/event_hub.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/wire/error_body.hpp"

#include <fmt/format.h>

namespace rouse {

EventHub::Listener::Listener(EventHub& hub, std::function<void()> bell, Sees sees)
    : hub_(hub), bell_(std::move(bell)), sees_(std::move(sees)) {
  hub_.listeners_.push_back(this);
}

EventHub::Listener::~Listener() {
  hub_.listeners_.remove(this);
}

std::string EventHub::Listener::take() {
  std::string all;
  for (const std::string& event : waiting_) all += event;
  waiting_.clear();
  return all;
}

void EventHub::Listener::add(std::string event) {
  if (waiting_.size() >= kWaitingMax) return;
  waiting_.push_back(std::move(event));
  bell_();
}

void EventHub::publish(std::string_view type, std::string_view data) {
  if (!listeners_.empty()) publish_frame(frame(type, data));
}

void EventHub::publish_of(const std::string& model, std::string_view type, std::string_view data) {
  if (listeners_.empty()) return;
  const std::string event = frame(type, data);
  for (Listener* listener : listeners_) {
    if (!listener->sees_ || listener->sees_(model)) listener->add(event);
  }
}

void EventHub::publish_each(std::string_view type,
                            const std::function<std::string(const Sees&)>& data) {
  for (Listener* listener : listeners_) listener->add(frame(type, data(listener->sees_)));
}

void EventHub::publish_frame(const std::string& event) {
  for (Listener* listener : listeners_) listener->add(event);
}

std::string EventHub::frame(std::string_view type, std::string_view data) {
  return fmt::format("event:message\ndata:{{\"type\":\"{}\",\"data\":{}}}\n\n", type,
                     json_string(data));
}

}  // namespace rouse
