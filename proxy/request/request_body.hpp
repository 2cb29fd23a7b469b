#pragma once

#include "base/http/stream.hpp"
#include "core/held_bytes.hpp"
#include "core/least_rate.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/wire/body_model.hpp"
#include "proxy/wire/ollama_request.hpp"
#include "proxy/wire/refusal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// The body of a request. One of up to 8 MiB is read whole before its request waits for a place, so
/// that nobody holds one by sending slowly; of a longer one, and where much is held already
/// (limits.heldMax), no more is read than somebody must know: the rest stays in the kernel, where
/// it costs us nothing. Who sends less than limits.bodyRateMin is not waited for. Holds what was
/// read until it has been sent for the last time. Single thread; owned by the Exchange, @p request
/// outlives it.
class RequestBody {
 public:
  explicit RequestBody(const Request& request);

  /// Reads on until the model's name is known, or surely not there; why it cannot be read.
  Task<std::optional<Failure>> read_until_model();
  /// Reads on to its end, unless it is one of which the rest stays in the kernel.
  Task<std::optional<Failure>> hold();
  /// Reads a little of what has arrived of that rest, for as long as there is plenty of room: the
  /// end of a client that has left is behind it. False: the client has gone.
  Task<bool> look_ahead();
  /// Reads it whole, whatever its length.
  Task<std::optional<Failure>> read_whole();
  /// Reads it whole, and puts in its place what an engine understands. @p model: its name.
  Task<std::optional<Failure>> translate(std::string_view model);
  /// Null unless it was translated.
  [[nodiscard]] const wire::OllamaRequest* translated() const {
    return translated_ ? &*translated_ : nullptr;
  }
  /// The next piece for whoever passes it on; it is not held.
  Task<Result<std::string_view>> read_piece();
  /// What the client is told of an error of read_piece().
  [[nodiscard]] Failure unreadable(const Error& error) const;

  /// What is wrong with what was read of it, as far as anything is: nothing of it may go on.
  [[nodiscard]] std::optional<Failure> fault() const;
  [[nodiscard]] bool is_read() const { return client_.body_done(); }
  [[nodiscard]] bool asks_for_stream() const { return finder_.stream().value_or(false); }
  [[nodiscard]] const wire::BodyModel& finder() const { return finder_; }
  [[nodiscard]] const std::string& held() const { return held_; }
  /// A length that was told beforehand and is at most @p most.
  [[nodiscard]] bool is_at_most(std::uint64_t most) const;

  /// Makes what @p to gets where filters change the body, which is read whole for that. @p keep:
  /// another destination may want it otherwise.
  Task<std::optional<Failure>> edit_for(const Destination& to, bool keep);

  /// What goes out first, and what its head says of the whole.
  struct Outgoing {
    Framing framing = Framing::None;
    std::uint64_t content_length = 0;
    std::string_view first;  ///< until the next call of anything here
    bool more = false;       ///< read_piece() has the rest
  };
  /// For @p to.
  [[nodiscard]] Outgoing outgoing(const Destination& to);
  /// It is for another destination now, which may want other edits.
  void forget_edits() { edited_.reset(); }
  /// What was read will not be sent again.
  void let_go();

 private:
  void look_at(std::string_view piece);
  Task<std::optional<Failure>> read_and_hold();
  [[nodiscard]] Failure late_model() const;
  [[nodiscard]] Failure no_room();
  void write_name(const std::string& name);

  const Request& request_;
  HttpStream& client_;
  core::LeastRate rate_;
  core::HeldBytes::Share share_;  // for held_ and edited_
  wire::BodyModel finder_;
  bool is_looked_at_ = false;                      // its model is what it is sent on by
  std::string held_;                               // as far as it was read
  std::optional<std::string> written_name_;        // the client's own, where held_ has another
  std::size_t name_size_ = 0;                      // of that other
  std::optional<wire::OllamaRequest> translated_;  // without its body, which is held
  std::optional<std::string> edited_;              // what goes out instead
};

}  // namespace rouse
