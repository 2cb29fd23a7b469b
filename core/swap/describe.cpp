#include "core/swap/describe.hpp"

#include <ostream>

namespace rouse::core {

namespace {

std::string words(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty()) text += ' ';
    text += part;
  }
  return text;
}

std::string text_of(const Arrived& e) {
  std::string text = words({"arrive", to_string(e.ticket), e.model});
  if (e.priority != 0) text += " priority " + std::to_string(e.priority);
  return text;
}
std::string text_of(const Left& e) {
  return words({"leave", to_string(e.ticket)});
}
std::string text_of(const EngineReady& e) {
  return words({"ready", e.model});
}
std::string text_of(const EngineGone& e) {
  std::string text = words({"gone", e.model});
  if (!e.failure.empty()) text += ' ' + e.failure;
  return text;
}
std::string text_of(const LoadWanted& e) {
  return words({"load", e.model});
}
std::string text_of(const UnloadWanted& e) {
  return words({"unload", e.model ? std::string_view(*e.model) : std::string_view("all")});
}
std::string text_of(const Reconfigured& e) {
  return words({"reconfigure", join({e.relaunch.begin(), e.relaunch.end()})});
}
std::string text_of(const ShutdownWanted& e) {
  return e.at_once ? "shutdown at once" : "shutdown";
}
std::string text_of(const Tick&) {
  return "tick";
}

std::string text_of(const Start& a) {
  return words({"start", a.model});
}
std::string text_of(const Stop& a) {
  return words({"stop", a.model, to_string(a.cause)});
}
std::string text_of(const Admit& a) {
  return words({"admit", to_string(a.ticket), a.model});
}
std::string text_of(const Refuse& a) {
  return words({"refuse", to_string(a.ticket), to_string(a.cause)});
}

}  // namespace

std::string_view to_string(EngineState state) {
  switch (state) {
    case EngineState::Stopped:
      return "stopped";
    case EngineState::Starting:
      return "starting";
    case EngineState::Ready:
      return "ready";
    case EngineState::Stopping:
      return "stopping";
    case EngineState::Failed:
      return "failed";
  }
  return "?";
}

std::string_view to_string(StopCause cause) {
  switch (cause) {
    case StopCause::Evicted:
      return "evicted";
    case StopCause::Idle:
      return "idle";
    case StopCause::Unloaded:
      return "unloaded";
    case StopCause::Abandoned:
      return "abandoned";
    case StopCause::Reconfigured:
      return "reconfigured";
    case StopCause::Removed:
      return "removed";
    case StopCause::Shutdown:
      return "shutdown";
  }
  return "?";
}

std::string_view to_string(RefusalCause cause) {
  switch (cause) {
    case RefusalCause::UnknownModel:
      return "unknown-model";
    case RefusalCause::QueueFull:
      return "queue-full";
    case RefusalCause::TooLong:
      return "too-long";
    case RefusalCause::LoadFailed:
      return "load-failed";
    case RefusalCause::CircuitOpen:
      return "circuit-open";
    case RefusalCause::Unloaded:
      return "unloaded";
    case RefusalCause::ShuttingDown:
      return "shutting-down";
  }
  return "?";
}

std::string to_string(Ticket ticket) {
  return std::to_string(static_cast<std::underlying_type_t<Ticket>>(ticket));
}

std::string to_string(const Event& event) {
  return std::visit([](const auto& e) { return text_of(e); }, event);
}

std::string to_string(const Action& action) {
  return std::visit([](const auto& a) { return text_of(a); }, action);
}

std::string to_string(Duration duration) {
  const auto ms = duration.count();
  if (ms < 1'000) return std::to_string(ms) + " ms";
  const auto seconds = (ms + 500) / 1'000;
  if (ms < 10'000 && ms % 1'000 >= 100) {
    return std::to_string(ms / 1'000) + "." + std::to_string(ms % 1'000 / 100) + " s";
  }
  if (seconds < 120) return std::to_string(ms < 10'000 ? ms / 1'000 : seconds) + " s";
  if (seconds < 7'200) {
    return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  }
  return std::to_string(seconds / 3'600) + " h " + std::to_string(seconds / 60 % 60) + " min";
}

std::string count(std::size_t n, std::string_view noun) {
  return std::to_string(n) + ' ' + std::string(noun) + (n == 1 ? "" : "s");
}

std::string count(int n, std::string_view noun) {
  return count(static_cast<std::size_t>(n < 0 ? 0 : n), noun);
}

std::string join(const std::vector<ModelId>& models) {
  std::string text;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i > 0) text += i + 1 == models.size() ? " and " : ", ";
    text += models[i];
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, EngineState state) {
  return out << to_string(state);
}
std::ostream& operator<<(std::ostream& out, StopCause cause) {
  return out << to_string(cause);
}
std::ostream& operator<<(std::ostream& out, RefusalCause cause) {
  return out << to_string(cause);
}
std::ostream& operator<<(std::ostream& out, Ticket ticket) {
  return out << to_string(ticket);
}
std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << to_string(event);
}
std::ostream& operator<<(std::ostream& out, const Action& action) {
  std::visit([&](const auto& a) { out << a; }, action);
  return out;
}
std::ostream& operator<<(std::ostream& out, const Start& action) {
  return out << text_of(action) << ": " << action.reason;
}
std::ostream& operator<<(std::ostream& out, const Stop& action) {
  return out << text_of(action) << ": " << action.reason;
}
std::ostream& operator<<(std::ostream& out, const Admit& action) {
  return out << text_of(action);
}
std::ostream& operator<<(std::ostream& out, const Refuse& action) {
  out << text_of(action) << ": " << action.detail;
  if (action.retry_after > Duration{0}) out << ", retry after " << to_string(action.retry_after);
  return out;
}

bool operator==(const Start& a, const Start& b) {
  return a.model == b.model;
}
bool operator==(const Stop& a, const Stop& b) {
  return a.model == b.model && a.cause == b.cause;
}
bool operator==(const Admit& a, const Admit& b) {
  return a.ticket == b.ticket && a.model == b.model;
}
bool operator==(const Refuse& a, const Refuse& b) {
  return a.ticket == b.ticket && a.cause == b.cause;
}

std::string time_until(Instant at, Instant now) {
  return at > now ? "in " + to_string(at - now) : "now";
}

}  // namespace rouse::core
