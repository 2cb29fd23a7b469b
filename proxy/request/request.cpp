#include "proxy/request/request.hpp"

#include <utility>

namespace rouse {

Request::Request(Proxy& proxy_in, HttpStream& client_in, RequestHead head_in,
                 const wire::Route& route_in, std::optional<PathTarget> path_in,
                 std::string remote_in, Caller caller_in)
    : proxy(proxy_in),
      config(proxy_in.config),
      client(client_in),
      head(std::move(head_in)),
      route(route_in),
      path(std::move(path_in)),
      remote(std::move(remote_in)),
      caller(std::move(caller_in)),
      id(request_id_for(head)) {}

bool Request::wants_upgrade() const {
  // RFC 9110 §7.8: in HTTP/1.0 it means nothing. HTTP/2 is between a client and us alone, and we
  // do not speak it.
  return head.version == 11 && head.fields.contains("upgrade") &&
         head.fields.has_token("connection", "upgrade") && !head.fields.has_token("upgrade", "h2c");
}

std::string_view Request::engine_path() const {
  const std::string_view target = path ? path->target : head.target;
  return target.substr(0, target.find('?'));
}

Failure Request::unread(Failure made) const {
  made.body_unread = !client.body_done();
  return made;
}

}  // namespace rouse
