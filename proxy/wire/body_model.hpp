#pragma once

#include "proxy/wire/form_finder.hpp"
#include "proxy/wire/model_finder.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace rouse::wire {

/// Finds "model" and "stream" in a body: JSON, multipart or an urlencoded form
/// (docs/llama-swap.md, Finding the model). What begins like an object is JSON whatever its content
/// type says, since `curl -d` says "form" of everything; else the type decides, and a type that is
/// none of the three, or missing, is a form.
class BodyModel {
 public:
  explicit BodyModel(std::string_view content_type);

  enum class State { Reading, Done, Malformed };
  State feed(std::string_view piece);
  State finish();

  [[nodiscard]] State state() const;
  [[nodiscard]] const std::optional<std::string>& model() const;
  [[nodiscard]] const std::optional<bool>& stream() const;
  /// "model" is there, and is no text.
  [[nodiscard]] bool model_is_no_text() const;
  [[nodiscard]] bool is_json() const { return std::holds_alternative<ModelFinder>(finder_); }
  /// It is JSON because it begins like an object; its content type says something else.
  [[nodiscard]] bool is_json_by_look() const { return is_json_by_look_; }
  /// What is wrong, for the client.
  [[nodiscard]] std::string problem() const;

  /// The bytes of the body that "model" covers, and what to put there for another @p name.
  [[nodiscard]] std::size_t model_begin() const;
  [[nodiscard]] std::size_t model_end() const;
  [[nodiscard]] std::string renamed(std::string_view name) const;

 private:
  std::variant<ModelFinder, FormFinder> finder_;
  bool undecided_ = false;  // until the first byte that is not blank
  bool is_json_by_look_ = false;
  std::string blanks_;  // in front of what decides
  std::string_view unusable_;
};

}  // namespace rouse::wire
