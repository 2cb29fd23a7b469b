#pragma once

#include "base/http/message.hpp"
#include "core/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rouse {

/// Where a request is on its way.
enum class Phase { Reading, Queued, Loading, Prefill, Streaming };
[[nodiscard]] std::string_view to_string(Phase phase);

/// The inference requests that are on their way, for people who look and for whoever cancels one.
/// Single thread; outlives the entries that it gives.
class InFlight {
 public:
  /// One request; taken out when destroyed.
  class Entry {
   public:
    /// @p is_secret: further header fields that are not shown; null: none.
    Entry(InFlight& all, const RequestHead& head, std::string remote, std::function<void()> cancel,
          std::function<bool(const Fields::Field&)> is_secret = nullptr);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    void set_model(std::string model);
    /// @p client: the name of the key; empty: none was needed.
    void set_request(std::string request_id, std::string client) {
      request_id_ = std::move(request_id);
      client_ = std::move(client);
    }
    void set_phase(Phase phase);
    void set_answer(const ResponseHead& head);
    /// Whether it is work for a model: false for what must not load one, nor keep the box awake.
    void set_counts(bool counts) { counts_ = counts; }
    /// The answer grows; that is told a few times a second.
    void add_bytes(std::size_t n);

    [[nodiscard]] std::uint64_t id() const { return id_; }
    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] const std::string& model() const { return model_; }
    [[nodiscard]] const std::string& request_id() const { return request_id_; }
    [[nodiscard]] const std::string& client() const { return client_; }
    [[nodiscard]] const std::string& remote() const { return remote_; }  ///< its address
    [[nodiscard]] bool counts() const { return counts_; }
    [[nodiscard]] std::chrono::steady_clock::time_point began() const { return began_; }
    [[nodiscard]] std::chrono::system_clock::time_point started_at() const { return started_at_; }
    /// As llama-swap's event stream has it (docs/llama-swap.md, Events).
    [[nodiscard]] std::string json() const;

   private:
    friend class InFlight;
    void tell(bool removed);

    InFlight& all_;
    std::uint64_t id_;
    const RequestHead& head_;
    std::string remote_;
    std::function<void()> cancel_;
    std::function<bool(const Fields::Field&)> is_secret_;
    std::chrono::system_clock::time_point started_at_ = std::chrono::system_clock::now();
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::string request_id_;
    std::string client_;
    std::string model_;
    Phase phase_ = Phase::Reading;
    bool counts_ = true;
    Fields answer_;
    std::uint64_t bytes_ = 0;
    std::chrono::steady_clock::time_point told_at_{};
  };

  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  explicit InFlight(Clock clock = std::chrono::steady_clock::now) : clock_(std::move(clock)) {}

  /// What hears of every change; @p removed: it has ended.
  using Listener = std::function<void(const Entry&, bool removed)>;
  void on_change(Listener listener) { listener_ = std::move(listener); }

  /// False: there is no such request.
  bool cancel(std::uint64_t id);

  [[nodiscard]] const std::map<std::uint64_t, Entry*>& entries() const { return entries_; }

 private:
  std::map<std::uint64_t, Entry*> entries_;
  std::uint64_t next_id_ = 1;
  Clock clock_;
  Listener listener_;
};

}  // namespace rouse
