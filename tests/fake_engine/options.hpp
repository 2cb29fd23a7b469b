#pragma once

#include <string>
#include <vector>

namespace fake_engine {

/// How the engine behaves: everything that a test can ask of it.
struct Options {
  std::string name = "fake";
  std::string host = "127.0.0.1";
  int port = 0;
  std::string unix_path;
  std::string model_file;  ///< as a real engine, it does not start when it is named and missing

  int load_ms = 0;                    ///< 503 "Loading model" until then
  bool refuse_while_loading = false;  ///< not even a socket until then
  std::vector<int> health_sequence;   ///< statuses of /health, one after the other; the last stays
  int tokens = 12;                    ///< of an answer, unless max_tokens is less
  double tps = 0;                     ///< tokens per second; 0: at once
  int prefill_ms = 0;                 ///< silence before the first token
  bool head_first = false;            ///< the head goes out before the prefill
  std::string text;                   ///< instead of "word-1 word-2 …"
  std::string stream_file;            ///< every streamed answer has the bytes of this file …
  int split = 0;                      ///< … so many in a chunk; 0: as few chunks as there can be
  std::vector<int> stall_at;          ///< … with a pause after so many bytes
  int stall_ms = 0;
  int end_ms = 0;  ///< between the last event of a stream and its last chunk
  int slots = 1;
  int context = 0;         ///< what /props tells of a slot; 0: nothing
  std::string props_file;  ///< /props has the text of this file instead
  bool hang_props = false;
  std::string slot_save_path;
  int memory_mb = 0;
  std::string memory_dir;  ///< DIR/PID says NAME and MB while the process lives
  std::string record;      ///< one JSON line for each request

  int crash_at_start = -1;  ///< exits at once with this status
  int crash_while_loading_ms = -1;
  int crash_mid_stream = -1;  ///< after so many tokens
  int crash_at_request = -1;  ///< the N-th inference request
  bool hang = false;          ///< accepts and never answers
  bool hang_health = false;
  bool lie_health = false;  ///< 200 although it still loads
  bool ignore_sigterm = false;
  bool quick_sigterm = false;  ///< leaves at once, also with requests running
  bool double_fork = false;    ///< leaves a grandchild in a session of its own
  bool leave_worker = false;   ///< leaves a child in its process group
  long log_flood = 0;          ///< bytes written to stderr at start
  bool bad_status = false;     ///< answers are not HTTP
  bool bad_chunk = false;
  bool strict_type = false;    ///< 422 for a body whose type is not application/json, as vLLM
  bool truncate_body = false;  ///< closes in the middle of a body
  bool close_after_head = false;
  int slow_stop_ms = 0;
};

}  // namespace fake_engine
