#pragma once

#include "core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::core {

/// "UUID;n=2": the second time that a proxy in front of us sends this request.
struct Attempt {
  std::string id;
  std::uint64_t n = 0;
};
/// nullopt: not of that form (id: 1 to 64 letters, digits, '-' or '_').
[[nodiscard]] std::optional<Attempt> parse_attempt(std::string_view text);

/// Which attempt of a request is the one that counts: the highest. What a sleeping box had in its
/// socket buffers is read after the wake, when the sender has long sent it again.
///
/// Remembers at most @p entries_max requests, each for @p keep after its last attempt ended.
class AttemptTable {
 public:
  static constexpr std::size_t kEntriesMax = 4096;
  static constexpr Duration kKeep{600'000};

  explicit AttemptTable(std::size_t entries_max = kEntriesMax, Duration keep = kKeep)
      : entries_max_(entries_max), keep_(keep) {}

  struct Verdict {
    bool superseded = false;              ///< a higher one has come already: refuse this one
    std::uint64_t highest = 0;            ///< n of the one that counts
    std::optional<std::uint64_t> cancel;  ///< this request of ours runs for a lower one
  };
  /// @p request is ours to name: given back as Verdict::cancel, and to end().
  [[nodiscard]] Verdict begin(const Attempt& attempt, std::uint64_t request, Instant now);
  void end(const std::string& id, std::uint64_t request, Instant now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t n = 0;
    std::optional<std::uint64_t> running;
    Instant touched;
  };
  void make_room(Instant now);

  std::size_t entries_max_;
  Duration keep_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace rouse::core
