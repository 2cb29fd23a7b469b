#pragma once

#include "core/swap/describe.hpp"
#include "core/swap/scheduler.hpp"

#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

// Events and actions of the scheduler as scripts write them and failed tests show them, in one
// short lower-case form: "arrive 7 qwen", "stop qwen evicted". operator<< adds an action's reason.

namespace rouse::core {

inline std::string words(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty()) text += ' ';
    text += part;
  }
  return text;
}

inline std::string text_of(const Arrived& e) {
  std::string text = words({"arrive", to_string(e.ticket), e.model});
  if (e.priority != 0) text += " priority " + std::to_string(e.priority);
  return text;
}
inline std::string text_of(const Left& e) {
  return words({"leave", to_string(e.ticket)});
}
inline std::string text_of(const EngineReady& e) {
  return words({"ready", e.model});
}
inline std::string text_of(const EngineDied& e) {
  return words({"died", e.model});
}
inline std::string text_of(const EngineGone& e) {
  std::string text = words({"gone", e.model});
  if (!e.failure.empty()) text += ' ' + e.failure.text();
  return text;
}
inline std::string text_of(const LoadWanted& e) {
  return words({"load", e.model});
}
inline std::string text_of(const UnloadWanted& e) {
  std::string text = "unload " + e.model.value_or("all");
  if (e.at_once) text += " at once";
  if (e.stays) text += " to stay";
  return text;
}
inline std::string text_of(const Reconfigured& e) {
  return words({"reconfigure", join({e.relaunch.begin(), e.relaunch.end()})});
}
inline std::string text_of(const ShutdownWanted& e) {
  return e.at_once ? "shutdown at once" : "shutdown";
}
inline std::string text_of(const Tick&) {
  return "tick";
}

inline std::string text_of(const Start& a) {
  return words({"start", a.model});
}
inline std::string text_of(const Stop& a) {
  return words({"stop", a.model, to_string(a.cause)});
}
inline std::string text_of(const Admit& a) {
  return words({"admit", to_string(a.ticket), a.model});
}
inline std::string text_of(const Refuse& a) {
  return words({"refuse", to_string(a.ticket), to_string(a.cause)});
}

inline std::string text_of(const Hurry& a) {
  return words({"hurry", a.model});
}

inline std::string to_string(const Event& event) {
  return std::visit([](const auto& e) { return text_of(e); }, event);
}

inline std::string to_string(const Action& action) {
  return std::visit([](const auto& a) { return text_of(a); }, action);
}

inline std::ostream& operator<<(std::ostream& out, EngineState state) {
  return out << to_string(state);
}
inline std::ostream& operator<<(std::ostream& out, StopCause cause) {
  return out << to_string(cause);
}
inline std::ostream& operator<<(std::ostream& out, RefusalCause cause) {
  return out << to_string(cause);
}
inline std::ostream& operator<<(std::ostream& out, Ticket ticket) {
  return out << to_string(ticket);
}
inline std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << to_string(event);
}
inline std::ostream& operator<<(std::ostream& out, const Start& action) {
  return out << text_of(action) << ": " << action.reason;
}
inline std::ostream& operator<<(std::ostream& out, const Stop& action) {
  return out << text_of(action) << ": " << action.reason;
}
inline std::ostream& operator<<(std::ostream& out, const Admit& action) {
  return out << text_of(action);
}
inline std::ostream& operator<<(std::ostream& out, const Refuse& action) {
  out << text_of(action) << ": " << action.detail;
  if (action.retry_after > Duration{0}) out << ", retry after " << to_string(action.retry_after);
  return out;
}
inline std::ostream& operator<<(std::ostream& out, const Hurry& action) {
  return out << text_of(action) << ": " << action.reason;
}
// Behind those that it calls: what it does not find is an Action again, and again.
inline std::ostream& operator<<(std::ostream& out, const Action& action) {
  std::visit([&](const auto& a) { out << a; }, action);
  return out;
}

// The reasons are for people: not compared.
inline bool operator==(const Start& a, const Start& b) {
  return a.model == b.model;
}
inline bool operator==(const Stop& a, const Stop& b) {
  return a.model == b.model && a.cause == b.cause;
}
inline bool operator==(const Admit& a, const Admit& b) {
  return a.ticket == b.ticket && a.model == b.model;
}
inline bool operator==(const Refuse& a, const Refuse& b) {
  return a.ticket == b.ticket && a.cause == b.cause;
}
inline bool operator==(const Hurry& a, const Hurry& b) {
  return a.model == b.model;
}

}  // namespace rouse::core
