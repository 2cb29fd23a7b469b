#pragma once

#include "tests/fake_engine/options.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fake_engine {

/// What a request asks for, as far as a fake needs to know it.
struct Ask {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  bool has_tools = false;
  int max_tokens = -1;
  int prompt_tokens = 0;  ///< words of the prompt or the messages
  std::string last_user;  ///< the last user message
  bool has_messages = false;
  bool is_json = true;
};

[[nodiscard]] Ask read_ask(std::string_view body);

/// The pieces of an answer to @p ask: each is one token. A prompt with LOOP never ends (-1 tokens
/// meant), one with THINK has reasoning first, one with CALL calls a tool.
struct Answer {
  std::vector<std::string> reasoning;
  std::vector<std::string> words;
  bool endless = false;
  bool calls_tool = false;
  bool cut_by_length = false;

  [[nodiscard]] std::string word(std::size_t i) const;
  [[nodiscard]] std::size_t total() const { return reasoning.size() + words.size(); }
};

[[nodiscard]] Answer make_answer(const Ask& ask, const Options& options);

/// What all connections share.
struct World {
  explicit World(Options the_options) : options(std::move(the_options)) {}

  const Options options;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::atomic<int> requests{0};
  std::atomic<int> active{0};
  std::atomic<int> aborted{0};
  std::atomic<int> health_asked{0};
  std::atomic<int> props_asked{0};
  std::atomic<bool> asleep{false};
  std::atomic<bool> stopping{false};
  std::mutex record_lock;
  std::atomic<long long> awake_at_ms{0};

  [[nodiscard]] long long age_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 started)
        .count();
  }
  [[nodiscard]] bool is_loaded() const {
    return age_ms() >= options.load_ms && age_ms() >= awake_at_ms && !asleep;
  }
};

}  // namespace fake_engine
