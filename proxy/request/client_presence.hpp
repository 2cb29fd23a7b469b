#pragma once

#include "base/http/stream.hpp"

#include <functional>
#include <utility>

namespace rouse {

/// Whether the client is still there. It leaves when its connection ends, or is cut when an
/// operator cancels its request; whoever waits for something else is woken then. Single thread;
/// owned by the Exchange, the client's stream outlives it.
class ClientPresence {
 public:
  explicit ClientPresence(HttpStream& client) : client_(client) {}
  ~ClientPresence() { stop_watching(); }
  ClientPresence(const ClientPresence&) = delete;
  ClientPresence& operator=(const ClientPresence&) = delete;

  /// From now on the end of the client's connection is noticed while nothing is read from it.
  void watch() {
    client_.on_gone([this] { leave(); });
  }
  void stop_watching() { client_.on_gone(nullptr); }

  /// Its connection has failed.
  void leave() {
    gone_ = true;
    if (interrupt_) interrupt_();
  }
  /// An operator wants it gone; the client is told by the cut.
  void cancel() {
    cancelled_ = true;
    client_.close(true);
    leave();
  }

  [[nodiscard]] bool is_gone() const { return gone_; }
  [[nodiscard]] bool is_cancelled() const { return cancelled_; }

  /// Ends a wait when the client leaves during it. Waits do not overlap.
  class Interrupt {
   public:
    Interrupt(ClientPresence& presence, std::function<void()> end_wait) : presence_(presence) {
      presence_.interrupt_ = std::move(end_wait);
    }
    ~Interrupt() { presence_.interrupt_ = nullptr; }
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

   private:
    ClientPresence& presence_;
  };

 private:
  HttpStream& client_;
  std::function<void()> interrupt_;
  bool gone_ = false;
  bool cancelled_ = false;
};

}  // namespace rouse
