#pragma once

#include "base/http/server.hpp"
#include "proxy/proxy.hpp"

#include <list>
#include <memory>
#include <string>

namespace rouse {

/// Those who come while all of limits.connectionsMax are used up. Health checks and whoever has a
/// key get one answer; the others are told to come again. To find out who is who, one request is
/// read from each: of those who say nothing the longest there gives way to the next, so that no
/// number of silent connections keeps the others out. Single thread; outlives its sessions.
class BeyondPlaces {
 public:
  /// From now on they are served here. @p proxy outlives the sessions of @p server.
  void take_over(HttpServer& server, Proxy& proxy);

 private:
  class Silent;
  /// One request of @p client, from its head to the end of its answer.
  Task<void> serve(std::unique_ptr<HttpStream> client, std::string remote, Proxy& proxy);

  std::list<HttpStream*> silent_;  ///< the longest there first
};

}  // namespace rouse
