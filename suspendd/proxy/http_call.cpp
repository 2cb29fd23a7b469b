#include "suspendd/proxy/http_call.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <sys/socket.h>

namespace rouse::suspendd {

Task<Result<HttpAnswer>> http_call(HttpPool& pool, HttpCall call) {
  Result<HttpPool::Lease> lease = co_await pool.connect(call.endpoint, call.timeout, true);
  if (!lease) co_return lease.error();
  HttpStream& stream = *lease->stream;
  stream.expires_after(call.timeout);

  RequestHead head;
  head.method = call.method;
  head.target = call.endpoint.base_path + call.path;
  if (head.target.empty()) head.target = "/";
  head.keep_alive = false;
  head.fields.add("host", call.endpoint.host_field());
  if (!call.bearer.empty()) head.fields.add("authorization", "Bearer " + call.bearer);
  if (!call.body.empty()) {
    head.fields.add("content-type", "application/json");
    head.framing = Framing::Length;
    head.content_length = call.body.size();
  }
  const Result<void> sent = co_await stream.write_request(head, call.body, false);
  if (!sent) co_return sent.error();
  Result<ResponseHead> response = co_await stream.read_response(false);
  if (!response) co_return response.error();

  HttpAnswer answer;
  answer.status = response->status;
  answer.listener = listener_of(stream.socket().native_handle());
  for (;;) {
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece) co_return piece.error();
    if (piece->empty()) break;
    if (answer.body.size() + piece->size() > call.body_max) {
      co_return Error{make_error_code(HttpErrc::BodyTooLarge),
                      "reading the answer of " + call.endpoint.authority()};
    }
    answer.body += *piece;
  }
  co_return answer;
}

int listener_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return 0;
  return credentials.pid == 1 ? 0 : credentials.pid;
}

Endpoint unix_endpoint(std::string path) {
  Endpoint endpoint;
  endpoint.unix_path = std::move(path);
  return endpoint;
}

std::string refusal_text(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view message;
  const bool is_told = parser.parse(answer.body).get(root) == simdjson::SUCCESS &&
                       root["message"].get(message) == simdjson::SUCCESS;
  return is_told ? std::string(message)
                 : fmt::format("status {} ({})", answer.status, reason_phrase(answer.status));
}

}  // namespace rouse::suspendd
