#pragma once

#include "base/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace rouse {

/// One request and its answer as they went over the wire, for `GET /api/captures/ID`.
struct Capture {
  std::int64_t id = 0;
  std::string model;
  std::string path;
  Fields request;
  std::string request_body;
  Fields answer;
  std::string answer_body;
};

/// The newest captures, within a number of bytes; only in memory, and only where somebody asked for
/// them. Single thread.
class Captures {
 public:
  explicit Captures(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  [[nodiscard]] bool are_wanted() const { return bytes_max_ > 0; }
  /// What one body may take; the rest of a longer one is left out.
  [[nodiscard]] std::size_t body_max() const { return bytes_max_ / 4; }
  /// Fewer bytes: the oldest go.
  void set_bytes_max(std::size_t bytes_max);

  /// The oldest make room; one that is larger than all the room is not kept. Values of fields that
  /// hold secrets are replaced here; @p is_secret says which others do.
  void keep(Capture capture, const std::function<bool(const Fields::Field&)>& is_secret);

  /// The model of the one with @p id; null: there is none.
  [[nodiscard]] const std::string* model_of(std::int64_t id) const;
  /// As JSON, bodies in base64; empty: there is none.
  [[nodiscard]] std::string json(std::int64_t id) const;

 private:
  [[nodiscard]] const Capture* find(std::int64_t id) const;
  void shrink(std::size_t room);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<Capture> kept_;  // by id
};

/// What stands for a value that is not shown, as llama-swap has it.
inline constexpr std::string_view kRedacted = "[REDACTED]";

/// kRedacted for a field that carries a credential or a cookie, else its value.
[[nodiscard]] std::string_view shown_value(const Fields::Field& field);

}  // namespace rouse
