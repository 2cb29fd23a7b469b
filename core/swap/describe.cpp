#include "core/swap/describe.hpp"

namespace rouse::core {

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
    case RefusalCause::NoRoom:
      return "no-room";
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

std::string time_until(Instant at, Instant now) {
  return at > now ? "in " + to_string(at - now) : "now";
}

}  // namespace rouse::core
