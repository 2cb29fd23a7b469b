#pragma once

#include "base/result.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/engine_answers.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

namespace rouse {

/// What the engine of a model has said of itself, and when.
struct RememberedAnswers {
  std::string digest;  ///< of the launch that said so: digest_of_launch()
  std::chrono::system_clock::time_point at{};
  wire::EngineAnswers answers;
};

/// By the id of the model.
using AnswerMemory = std::map<std::string, RememberedAnswers, std::less<>>;

/// Something that differs where what an engine says of itself may: its command, its address, the
/// names of its environment and the options in it. Neither a port that was given to it nor a secret
/// has a part in it.
[[nodiscard]] std::string digest_of_launch(const ModelConfig& model);

/// Nothing where there is no such file. A broken one is an error: it is written anew.
[[nodiscard]] Result<AnswerMemory> read_answer_memory(const std::filesystem::path& file);
/// Replaces the file as a whole; only we may read it.
[[nodiscard]] Result<void> write_answer_memory(const std::filesystem::path& file,
                                               const AnswerMemory& memory);

}  // namespace rouse
