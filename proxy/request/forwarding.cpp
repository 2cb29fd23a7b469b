#include "proxy/request/forwarding.hpp"

#include "proxy/access/own_keys.hpp"

#include <fmt/format.h>

namespace rouse {

RequestHead head_for_engine(const RequestHead& request, const Endpoint& endpoint,
                            const Config& config, const std::string& remote,
                            const std::string& request_id) {
  RequestHead head = request;
  head.version = 11;
  head.keep_alive = true;
  remove_hop_by_hop(head.fields);
  remove_own_keys(config, head.fields);
  head.fields.erase("expect");
  // An engine that compressed a stream would hold its events back.
  head.fields.erase("accept-encoding");
  head.fields.set("host", endpoint.host_field());
  head.fields.set("x-request-id", request_id);
  const std::optional<std::string_view> chain = request.fields.find("x-forwarded-for");
  head.fields.set("x-forwarded-for", chain ? fmt::format("{}, {}", *chain, remote) : remote);
  return head;
}

ResponseHead head_for_client(const ResponseHead& answer, const RequestHead& request,
                             const std::string& request_id, bool may_stay) {
  ResponseHead head = answer;
  remove_hop_by_hop(head.fields);
  head.keep_alive = request.keep_alive && may_stay;
  // Whoever speaks HTTP/1.0 gets a body that ends with the connection; HttpStream sees to it.
  if (answer.framing == Framing::UntilClose) head.framing = Framing::Chunked;
  if (is_event_stream(answer)) head.fields.set("x-accel-buffering", "no");
  head.fields.set("x-request-id", request_id);
  return head;
}

ResponseHead early_stream_head(const RequestHead& request, const std::string& request_id) {
  ResponseHead head;
  head.fields.add("content-type", "text/event-stream");
  head.fields.add("cache-control", "no-cache");
  head.fields.add("x-accel-buffering", "no");
  head.fields.add("x-request-id", request_id);
  head.framing = Framing::Chunked;
  head.keep_alive = request.keep_alive;
  return head;
}

bool is_event_stream(const ResponseHead& head) {
  return head.fields.find("content-type").value_or("").starts_with("text/event-stream");
}

}  // namespace rouse
