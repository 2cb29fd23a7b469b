#include "proxy/power/idle_connections.hpp"

#include <poll.h>

#include <vector>

namespace rouse {

namespace {

/// A connection that is younger than this is about to carry its first request.
constexpr auto kYoung = std::chrono::milliseconds(250);

bool is_readable(HttpStream& stream) {
  if (stream.has_buffered()) return true;
  pollfd socket{stream.socket().native_handle(), POLLIN, 0};
  return ::poll(&socket, 1, 0) > 0;
}

}  // namespace

IdleConnections::Member::Member(IdleConnections& all, HttpStream& stream, bool used)
    : all_(all), stream_(stream), used_(used) {
  place_ = all_.members_.insert(all_.members_.end(), this);
}

IdleConnections::Member::~Member() {
  all_.members_.erase(place_);
}

std::size_t IdleConnections::close_all() {
  const auto now = std::chrono::steady_clock::now();
  std::size_t closed = 0;
  for (Member* const member : members_) {
    const bool is_young = !member->used_ && now - member->since_ < kYoung;
    if (is_young || is_readable(member->stream_)) continue;
    member->stream_.close();  // its task, and so the member, ends later
    ++closed;
  }
  return closed;
}

}  // namespace rouse
