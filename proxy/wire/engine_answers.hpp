#pragma once

#include "proxy/wire/capabilities.hpp"

#include <string>
#include <string_view>

namespace rouse::wire {

/// What an engine has answered when it was asked what it is: bodies, as they came. Empty: it knows
/// no such path, or has answered no JSON.
struct EngineAnswers {
  std::string props;   ///< GET /props: llama-server
  std::string models;  ///< GET /v1/models
  std::string info;    ///< GET /info: TEI, TGI

  [[nodiscard]] bool is_empty() const { return props.empty() && models.empty() && info.empty(); }
  /// The answer at @p path, without a query: also for other spellings of it. Null: none is known.
  [[nodiscard]] const std::string* at(std::string_view path) const;
};

/// Whether @p body can be kept as an answer.
[[nodiscard]] bool is_json_object(std::string_view body);

/// What they say of the model that the engine is asked for by @p name. Where it lists one model
/// alone, that is it, whatever it is called.
[[nodiscard]] Capabilities read_answers(const EngineAnswers& answers, std::string_view name);

}  // namespace rouse::wire
