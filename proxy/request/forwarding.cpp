#include "proxy/request/forwarding.hpp"

#include "proxy/access/cors.hpp"
#include "proxy/access/own_keys.hpp"

#include <fmt/format.h>

namespace rouse {

namespace {

/// What says of a request how it came to us, unless somebody in front has said it already.
void add_forwarded(const Request& request, Fields& fields) {
  const std::optional<std::string_view> chain = request.head.fields.find("x-forwarded-for");
  fields.set("x-forwarded-for",
             chain ? fmt::format("{}, {}", *chain, request.remote) : request.remote);
  const std::optional<std::string_view> host = request.head.fields.find("host");
  if (host && !fields.contains("x-forwarded-host")) fields.add("x-forwarded-host", *host);
  if (!fields.contains("x-forwarded-proto")) {
    fields.add("x-forwarded-proto", request.client.is_secure() ? "https" : "http");
  }
  // RFC 9110 §7.6.3: each recipient adds itself to the end.
  const std::string_view version = request.head.version == 10 ? "1.0" : "1.1";
  const std::optional<std::string_view> via = request.head.fields.find("via");
  fields.set("via", fmt::format("{}{} rouse", via ? fmt::format("{}, ", *via) : "", version));
}

/// The upstream gets its own Host. It then does not get the Origin of a page that we trust: one
/// that compares the two, as ComfyUI and Ollama do, would refuse a page of ours.
void change_host(const Request& request, const Endpoint& endpoint, Fields& fields) {
  fields.set("host", endpoint.host_field());
  if (!has_trusted_origin(*request.config, request.head)) return;
  fields.erase("origin");
  fields.erase("sec-fetch-site");
}

}  // namespace

RequestHead head_for_upstream(const Request& request, const Endpoint& endpoint) {
  RequestHead head = request.head;
  head.version = 11;
  head.keep_alive = true;
  remove_hop_by_hop(head.fields);
  remove_own_keys(*request.config, head.fields);
  remove_own_fields(head.fields);
  head.fields.erase("expect");
  head.fields.erase("http2-settings");
  // An engine that compressed a stream would hold its events back.
  head.fields.erase("accept-encoding");
  add_forwarded(request, head.fields);
  const bool keeps_host = request.path && !endpoint.tls && head.fields.contains("host");
  if (!keeps_host) change_host(request, endpoint, head.fields);
  head.fields.set("x-request-id", request.id);
  if (request.wants_upgrade()) head.fields.set("upgrade", *request.head.fields.find("upgrade"));
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
