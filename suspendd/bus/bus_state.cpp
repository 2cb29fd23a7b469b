#include "suspendd/bus/bus_state.hpp"

#include <utility>

namespace rouse::suspendd {
namespace {

constexpr const char* kBusName = "org.freedesktop.DBus";
constexpr const char* kBusPath = "/org/freedesktop/DBus";

/// One key of a match rule; our own constants, never with a quote inside.
std::string rule_part(const char* key, const std::string& value) {
  ROUSE_CHECK(value.find('\'') == std::string::npos);
  return value.empty() ? std::string() : std::string(",") + key + "='" + value + "'";
}

int on_answer(sd_bus_message* message, void* userdata, sd_bus_error*) {
  Pending& pending = *static_cast<Pending*>(userdata);
  // Of a lost connection libsystemd makes answers of its own.
  pending.lost = sd_bus_is_open(sd_bus_message_get_bus(message)) <= 0;
  if (!pending.lost) pending.answer = BusMessage(message);
  pending.bell.cancel();
  return 0;
}

int on_match(sd_bus_message* message, void* userdata, sd_bus_error*) {
  const auto entry = static_cast<BusSubscription::Entry*>(userdata)->shared_from_this();
  const BusMessage signal(message);
  const auto& services = entry->state->services;
  const auto service = services.find(entry->from.service);
  // Anybody may send a signal of this name; only the owner of the service means it.
  if (service == services.end() || service->second.owner != signal.sender()) return 0;
  entry->on_signal(signal);
  return 0;
}

int on_owner_changed(sd_bus_message* message, void* userdata, sd_bus_error*) {
  auto& service = *static_cast<Bus::State::Service*>(userdata);
  const BusMessage signal(message);
  if (signal.sender() != kBusName) return 0;
  BusReader reader(signal);
  const std::string name = reader.string();
  (void)reader.string();
  std::string owner = reader.string();
  if (reader.finish("NameOwnerChanged") && name == service.name) {
    service.state->set_owner(service, std::move(owner));
  }
  return 0;
}

int on_owner_known(sd_bus_message* message, void* userdata, sd_bus_error*) {
  auto& service = *static_cast<Bus::State::Service*>(userdata);
  if (sd_bus_message_is_method_error(message, nullptr) > 0) return 0;  // it has none
  const BusMessage answer(message);
  BusReader reader(answer);
  std::string owner = reader.string();
  if (reader.finish("GetNameOwner")) service.state->set_owner(service, std::move(owner));
  return 0;
}

}  // namespace

Pending::~Pending() {
  if (state != nullptr) state->pending.erase(place);
}

int Pending::send(Bus::State& to, sd_bus_message* message) {
  sd_bus_slot* raw = nullptr;
  // The deadline is the bell's, so none for libsystemd.
  const int r = sd_bus_call_async(to.link->get(), &raw, message, &on_answer, this, UINT64_MAX);
  if (r < 0) return r;
  slot.reset(raw);
  state = &to;
  place = to.pending.insert(to.pending.end(), this);
  to.link->kick();
  return r;
}

void Bus::State::open() {
  auto opened = BusLink::open(executor, options.address);
  if (!opened) {
    trouble = opened.error().message();
    return;
  }
  link = std::move(*opened);
  // Queued behind the greeting. Signals before owners: whoever is told that a service is here
  // can rely on the signals from then on.
  for (const auto& entry : entries()) install(*entry);
  for (auto& [name, service] : services) follow(service);
}

void Bus::State::on_ready() {
  ready = true;
  trouble.clear();
}

void Bus::State::lose(boost::system::error_code why, const std::string& what) {
  ready = false;
  trouble = why ? what + ": " + why.message() : what;
  for (const auto& entry : entries()) entry->slot.reset();
  for (auto& [name, service] : services) {
    service.changes.reset();
    service.question.reset();
  }
  for (Pending* const waiting : pending) {
    waiting->lost = !waiting->answer;
    waiting->slot.reset();
    waiting->bell.cancel();
  }
  link.reset();
  for (auto& [name, service] : services) set_owner(service, {});
}

void Bus::State::add(const std::shared_ptr<BusSubscription::Entry>& entry) {
  entry->state = this;
  subscribed.push_back(entry);
  const auto [it, added] = services.try_emplace(entry->from.service);
  Service& service = it->second;
  if (link) install(*entry);
  if (!added) return;
  service.state = this;
  service.name = it->first;
  if (link) follow(service);
}

std::vector<std::shared_ptr<BusSubscription::Entry>> Bus::State::entries() {
  std::vector<std::shared_ptr<BusSubscription::Entry>> live;
  for (const auto& weak : subscribed) {
    auto entry = weak.lock();
    if (entry && entry->state != nullptr) live.push_back(std::move(entry));
  }
  subscribed.assign(live.begin(), live.end());
  return live;
}

void Bus::State::install(BusSubscription::Entry& entry) {
  if (!entry.on_signal) return;
  const std::string rule = "type='signal'" + rule_part("sender", entry.from.service) +
                           rule_part("path", entry.from.path) +
                           rule_part("interface", entry.from.interface) +
                           rule_part("member", entry.member);
  sd_bus_slot* raw = nullptr;
  // Without an install callback, a bus that refuses the match makes libsystemd give the connection
  // up: better than to be deaf without knowing.
  if (sd_bus_add_match_async(link->get(), &raw, rule.c_str(), &on_match, nullptr, &entry) >= 0) {
    entry.slot.reset(raw);
    link->kick();
  }
}

void Bus::State::follow(Service& service) {
  const std::string rule = "type='signal'" + rule_part("sender", kBusName) +
                           rule_part("path", kBusPath) + rule_part("interface", kBusName) +
                           rule_part("member", "NameOwnerChanged") +
                           rule_part("arg0", service.name);
  sd_bus_slot* raw = nullptr;
  if (sd_bus_add_match_async(link->get(), &raw, rule.c_str(), &on_owner_changed, nullptr,
                             &service) >= 0) {
    service.changes.reset(raw);
  }
  raw = nullptr;
  if (sd_bus_call_method_async(link->get(), &raw, kBusName, kBusPath, kBusName, "GetNameOwner",
                               &on_owner_known, &service, "s", service.name.c_str()) >= 0) {
    service.question.reset(raw);
  }
  link->kick();
}

void Bus::State::set_owner(Service& service, std::string owner) {
  if (owner == service.owner) return;
  const bool was_here = !service.owner.empty();
  service.owner = std::move(owner);
  const std::string now = service.owner;
  if (was_here) tell_service(service.name, false);
  if (!now.empty() && service.owner == now) tell_service(service.name, true);
}

void Bus::State::tell_service(const std::string& name, bool here) {
  for (const auto& entry : entries()) {
    if (entry->state != nullptr && entry->on_service && entry->from.service == name) {
      entry->on_service(here);
    }
  }
}

}  // namespace rouse::suspendd
