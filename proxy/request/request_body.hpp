#pragma once

#include "base/http/stream.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/wire/body_model.hpp"
#include "proxy/wire/ollama_request.hpp"
#include "proxy/wire/refusal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// The body of a request, read no further than somebody must know it: the rest stays in the kernel,
/// where it costs us nothing. Holds what was read until it has been sent for the last time. Single
/// thread; owned by the Exchange, @p request outlives it.
class RequestBody {
 public:
  explicit RequestBody(const Request& request);

  /// Reads on until the model's name is known, or surely not there; why it cannot be read.
  Task<std::optional<Failure>> read_until_model();
  /// Reads on until it says whether it asks for a stream, up to 8 MiB. False: the client has gone.
  Task<bool> read_until_stream();
  /// Whether hold() would read: there is more of it, and no more than 8 MiB in all, as far as
  /// known.
  [[nodiscard]] bool can_hold() const;
  /// Reads on to its end, so that it can be sent more than once, but no more than 8 MiB. False: the
  /// client has gone.
  Task<bool> hold();
  /// Reads it whole; limits.bodyTimeout is for each piece of it, elsewhere for all of them.
  Task<std::optional<Failure>> read_whole();
  /// Reads it whole, and puts in its place what an engine understands. @p model: its name.
  Task<std::optional<Failure>> translate(std::string_view model);
  /// Null unless it was translated.
  [[nodiscard]] const wire::OllamaRequest* translated() const {
    return translated_ ? &*translated_ : nullptr;
  }
  /// The next piece for whoever passes it on; it is not held.
  Task<Result<std::string_view>> read_piece();

  /// What is wrong with what was read of it, as far as anything is: nothing of it may go on.
  [[nodiscard]] std::optional<Failure> fault() const;
  [[nodiscard]] bool is_read() const { return client_.body_done(); }
  /// Whether reading on could still tell if it asks for a stream.
  [[nodiscard]] bool may_tell_stream() const;
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
    std::string first;
    bool more = false;  ///< read_piece() has the rest
  };
  /// For @p to. What was read is kept only while the whole is here, since only then it may have to
  /// be sent again.
  [[nodiscard]] Outgoing outgoing(const Destination& to);
  /// It is for another destination now, which may want other edits.
  void forget_edits() { edited_.reset(); }

 private:
  Task<Result<void>> read_and_hold();
  void look_at(std::string_view piece);
  [[nodiscard]] Failure late_model() const;

  const Request& request_;
  HttpStream& client_;
  wire::BodyModel finder_;
  bool is_looked_at_ = false;                      // its model is what it is sent on by
  std::string held_;                               // as far as it was read
  std::optional<wire::OllamaRequest> translated_;  // without its body, which is held
  std::optional<std::string> edited_;              // what goes out instead
};

}  // namespace rouse
