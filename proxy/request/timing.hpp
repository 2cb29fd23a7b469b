#pragma once

#include "base/http/message.hpp"
#include "core/time.hpp"
#include "proxy/admission/swap_times.hpp"

namespace rouse {

/// What a request had to wait for before its engine saw it.
enum class ColdStart { None, Load, Wake };

/// The times that the head of an answer tells.
struct RequestTiming {
  ColdStart cold_start = ColdStart::None;
  bool to_peer = false;
  bool is_admitted = false;  ///< else the times are not known yet
  core::Duration waited{0};  ///< until it was admitted; load and wake are part of it
  core::Duration load{0};
  core::Duration wake{0};
  SwapPhases swap;  ///< as far as it was there for one
};

/// Adds X-Rouse-Cold-Start and Server-Timing. What a peer says of its own part stays, and ours
/// comes behind it, unless it had to be woken for the request.
void add_timing(ResponseHead& head, const RequestTiming& timing);

}  // namespace rouse
