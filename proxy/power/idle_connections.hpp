#pragma once

#include "base/http/stream.hpp"

#include <chrono>
#include <cstddef>
#include <list>

namespace rouse {

/// The clients' connections on which no request is on its way, so that they can be ended before the
/// box sleeps: a client that kept one would send its next request into nothing. Single thread;
/// outlives its members.
class IdleConnections {
 public:
  /// One connection while it waits for its next request.
  class Member {
   public:
    /// @p used: it has carried a request already.
    Member(IdleConnections& all, HttpStream& stream, bool used);
    ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

   private:
    friend class IdleConnections;
    IdleConnections& all_;
    HttpStream& stream_;
    bool used_;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    std::list<Member*>::iterator place_;
  };

  /// Closes them with FIN; returns how many. Left alone are those on which bytes wait to be read,
  /// and new ones, whose first request is on its way: these get an answer.
  std::size_t close_all();

  [[nodiscard]] std::size_t size() const { return members_.size(); }

 private:
  std::list<Member*> members_;
};

}  // namespace rouse
