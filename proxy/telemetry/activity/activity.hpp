#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace rouse {

/// One inference request that has ended, as it is kept. Numbers that are not known are -1, as
/// llama-swap's are (docs/llama-swap.md, The history).
struct Activity {
  std::int64_t id = 0;
  std::chrono::system_clock::time_point ended_at{};
  std::string model;  ///< the real id; as asked for when there is none
  std::string asked_for;
  std::string path;
  std::string api;     ///< chat, messages …
  std::string client;  ///< the name of the key; empty without keys
  std::string content_type;
  int status = 0;
  std::string outcome;  ///< ok, client_error, upstream_error, timeout, rejected, cancelled …
  std::int64_t input_tokens = 0;        ///< of the whole prompt, cached ones included
  std::int64_t plain_input_tokens = 0;  ///< as llama-swap counts: mostly without cached ones
  std::int64_t output_tokens = 0;
  std::int64_t cache_tokens = -1;
  std::int64_t reasoning_tokens = -1;
  std::int64_t draft_tokens = -1;
  std::int64_t draft_acc_tokens = -1;
  double prompt_per_second = -1;
  double tokens_per_second = -1;
  std::int64_t duration_ms = 0;
  std::int64_t ttft_ms = -1;  ///< until the first event with content
  std::int64_t queue_ms = 0;  ///< waiting for a place, the load included
  std::int64_t load_ms = 0;
  std::int64_t bytes_in = 0;
  std::int64_t bytes_out = 0;
  bool streamed = false;
  bool has_capture = false;
  std::string request_id;
  std::string session_id;
  std::string error;
  std::map<std::string, std::string> metadata;  ///< fifo_priority, selector
};

}  // namespace rouse
