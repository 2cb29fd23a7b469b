#pragma once

#include "base/text/text_table.hpp"

#include <simdjson.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// What a running proxy says of itself: an answer of /api/explain, and ways to read it that put up
/// with a proxy of another version.
class ProxyFacts {
 public:
  using Object = simdjson::dom::element;

  /// nullopt: it is not such an answer.
  [[nodiscard]] static std::optional<ProxyFacts> parse(const std::string& json);

  [[nodiscard]] Object root() const { return root_; }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;  // the objects point into it
  Object root_;
};

// Members of an object; empty, zero or false where there is no such member.

[[nodiscard]] std::string text_in(ProxyFacts::Object object, std::string_view key);
[[nodiscard]] std::int64_t count_in(ProxyFacts::Object object, std::string_view key);
[[nodiscard]] bool flag_in(ProxyFacts::Object object, std::string_view key);
[[nodiscard]] std::vector<ProxyFacts::Object> list_in(ProxyFacts::Object object,
                                                      std::string_view key);
[[nodiscard]] std::vector<std::string> texts_in(ProxyFacts::Object object, std::string_view key);
/// Seconds, of a member whose name ends in _s or _ms.
[[nodiscard]] std::optional<double> seconds_in(ProxyFacts::Object object, std::string_view key);
[[nodiscard]] std::optional<ProxyFacts::Object> object_in(ProxyFacts::Object object,
                                                          std::string_view key);

/// "31 s", "3 min 20 s", "2 h 5 min".
[[nodiscard]] std::string span_words(double seconds);
/// "31 s", "3 min", "2 h", "5 d": for a column.
[[nodiscard]] std::string short_span(double seconds);

/// The colour of a model's or a peer's state.
[[nodiscard]] Tone tone_of_state(std::string_view state);
/// Whether this machine may sleep, and what keeps it awake: one sentence, without "this machine".
[[nodiscard]] std::string sleep_words(ProxyFacts::Object power);
/// "ok after 23 s", "timeout", "under way": what came of a wake.
[[nodiscard]] std::string wake_words(ProxyFacts::Object wake);
/// "key alice, 10.0.0.4": who sent a request; empty: not known.
[[nodiscard]] std::string sender_words(ProxyFacts::Object request);

}  // namespace rouse
