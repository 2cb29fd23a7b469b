#pragma once

#include "core/time.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// Who made a machine wake.
struct Waker {
  std::string key;      ///< the name of the key; empty: none was needed
  std::string address;  ///< of the client
  std::string agent;    ///< its User-Agent
  std::string model;    ///< as asked for
  std::string request_id;
};

/// One wake of one peer: who caused it, how long it took to each stage, and what came of it.
struct Wake {
  std::string peer;
  std::chrono::system_clock::time_point at;
  std::string reason;
  Waker by;
  std::string outcome;  ///< empty while it is under way; ok, timeout …
  int volleys = 0;
  std::optional<core::Duration> to_network;     ///< its machine said something, if only no
  std::optional<core::Duration> to_service;     ///< verified
  std::optional<core::Duration> to_first_byte;  ///< of an answer to one who waited
};

/// The last wakes of all peers, oldest first. Single thread.
class WakeLedger {
 public:
  static constexpr std::size_t kKept = 500;

  /// The number of the new entry.
  std::uint64_t begin(Wake wake);
  /// Null when it is no longer kept.
  [[nodiscard]] Wake* find(std::uint64_t number);

  /// The newest wake of @p peer; null: none is known.
  [[nodiscard]] const Wake* last_of(std::string_view peer) const;

  /// {"wakes": [...]}, newest first: those that were for a model which @p sees, or for none.
  [[nodiscard]] std::string json(const std::function<bool(const std::string& model)>& sees) const;

 private:
  std::deque<Wake> wakes_;
  std::uint64_t first_ = 1;
};

class JsonWriter;
/// One object.
void write_wake(JsonWriter& json, const Wake& wake);

}  // namespace rouse
