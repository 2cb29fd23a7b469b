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
  return head.fields.contains("upgrade") && head.fields.has_token("connection", "upgrade");
}

Failure Request::unread(Failure made) const {
  made.body_unread = !client.body_done();
  return made;
}

}  // namespace rouse
