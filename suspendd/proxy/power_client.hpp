#pragma once

#include "base/async/task.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace rouse::suspendd {

/// Speaks with the proxy over its power socket (its side: proxy/power/power_socket.hpp). Single
/// thread; the pool and the deadlines outlive it.
class PowerClient {
 public:
  /// How long an answer may take.
  struct Patience {
    std::chrono::milliseconds call{5'000};
    std::chrono::milliseconds commit{15'000};  ///< the policy gives it up before
  };
  /// @p socket empty: there is no proxy, and every call fails.
  PowerClient(Executor executor, HttpPool& pool, StreamDeadlines& deadlines, std::string socket,
              Patience patience);
  PowerClient(Executor executor, HttpPool& pool, StreamDeadlines& deadlines, std::string socket)
      : PowerClient(std::move(executor), pool, deadlines, std::move(socket), Patience()) {}

  /// What the proxy says to a call; for what it does not answer there is an Error instead.
  struct Answer {
    bool ok = false;
    std::string code;  ///< of a refusal: busy, lease_held, lease_gone …
    std::string why;   ///< of a refusal, for people: "1 request to qwen (1.2 s)"
    std::uint64_t epoch = 0;
  };

  /// A lease that was granted: it lasts as long as this is held open.
  class Lease {
   public:
    struct End {
      bool cancelled = false;  ///< by a request; else it merely ended
      std::string by;
      std::string why;
    };
    /// Waits for the end of the lease.
    Task<End> wait();

   private:
    friend class PowerClient;
    Task<Result<std::string>> read_line();
    std::unique_ptr<HttpStream> stream_;
    std::string unread_;
  };
  struct Drained {
    Answer answer;
    std::optional<std::chrono::milliseconds> idle;  ///< since the end of its last work, if told
    std::unique_ptr<Lease> lease;                   ///< when ok
  };
  /// @p force: granted in spite of running requests.
  Task<Result<Drained>> drain(std::string lease, std::chrono::milliseconds ttl, std::string reason,
                              bool force);

  Task<Result<Answer>> unload(std::string lease, std::chrono::milliseconds limit);
  Task<Result<Answer>> commit(std::string lease, std::string expect_wake);
  Task<Result<Answer>> release(std::string lease);
  Task<Result<Answer>> resumed(std::uint64_t epoch, std::chrono::milliseconds slept,
                               std::string wake);
  Task<Result<Answer>> tell_facts(std::string json);
  /// Stops all engines, unless somebody uses them.
  Task<Result<Answer>> restart_engines(std::string lease, std::chrono::milliseconds limit);

  struct Activity {
    std::chrono::milliseconds idle{0};  ///< since the last work; zero: there is some
    std::string busy;                   ///< in words; empty: nothing
  };
  Task<Result<Activity>> activity();

  /// The process that listens on the socket; 0: not known, or not the proxy itself (systemd's).
  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] bool has_socket() const { return !socket_.empty(); }

 private:
  Task<Result<Answer>> post(std::string path, std::string body, std::chrono::milliseconds limit);

  Executor executor_;
  HttpPool& pool_;
  StreamDeadlines& deadlines_;
  std::string socket_;
  Patience patience_;
  int pid_ = 0;
};

}  // namespace rouse::suspendd
