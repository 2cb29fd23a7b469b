#pragma once

#include "tests/fake_engine/model.hpp"

#include <string>
#include <vector>

namespace fake_engine {

enum class Dialect { Chat, Completions, Completion, Messages, Responses };

/// The texts of one answer in the shapes of llama-server (recorded from a real one).
class Writer {
 public:
  Writer(Dialect dialect, const Ask& ask, const Answer& answer, double seconds_a_token);

  [[nodiscard]] std::string begin() const;               ///< of a stream, before the tokens
  [[nodiscard]] std::string token(std::size_t i) const;  ///< the i-th, reasoning first
  [[nodiscard]] std::string end() const;                 ///< of a stream, with usage and timings
  [[nodiscard]] std::string whole() const;               ///< not a stream

 private:
  [[nodiscard]] std::string timings() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string thoughts() const;
  [[nodiscard]] std::string finish() const;
  [[nodiscard]] std::string chat_chunk(const std::string& delta, const std::string& finish,
                                       const std::string& more = {}) const;

  Dialect dialect_;
  const Ask& ask_;
  const Answer& answer_;
  double seconds_a_token_;
  std::string id_;
  std::string model_;  // as JSON
};

/// A JSON string literal.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace fake_engine
