#include "base/http/ask.hpp"

#include "base/http/pool.hpp"
#include "base/net/peer_credentials.hpp"

#include <utility>

namespace rouse {

namespace {

RequestHead head_of(const HttpAsk& ask) {
  RequestHead head;
  head.method = ask.method;
  head.target = !ask.target.empty() ? ask.target : ask.url.base_path;
  if (head.target.empty()) head.target = "/";
  head.keep_alive = false;
  head.fields = ask.fields;
  if (!head.fields.contains("host")) head.fields.add("host", ask.url.host_field());
  // Servers may want a length with these, even of nothing.
  const bool has_body = !ask.body.empty() || ask.method == "POST" || ask.method == "PUT";
  head.framing = has_body ? Framing::Length : Framing::None;
  head.content_length = ask.body.size();
  return head;
}

}  // namespace

Task<Result<HttpAnswer>> http_ask(HttpPool& pool, HttpAsk ask) {
  const RequestHead head = head_of(ask);
  const std::string doing = "asking " + ask.url.authority();
  Result<HttpPool::Lease> lease = co_await pool.connect(ask.url, ask.connect_timeout, true);
  if (!lease) co_return lease.error();
  HttpStream& stream = *lease->stream;
  stream.expires_after(ask.timeout);
  const Result<void> sent = co_await stream.write_request(head, ask.body, false);
  if (!sent) co_return Error{sent.error().code, doing};
  Result<ResponseHead> answer = co_await stream.read_response(ask.method == "HEAD");
  if (!answer) co_return Error{answer.error().code, doing};
  HttpAnswer out;
  out.status = answer->status;
  out.fields = std::move(answer->fields);
  if (!ask.url.unix_path.empty()) out.peer_pid = peer_pid(stream.socket().native_handle());
  while (!stream.body_done() && out.body.size() < ask.answer_max) {
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece) co_return Error{piece.error().code, doing};
    out.body += piece->substr(0, ask.answer_max - out.body.size());
  }
  co_return out;
}

}  // namespace rouse
