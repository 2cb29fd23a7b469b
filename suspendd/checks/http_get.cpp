#include "suspendd/checks/http_get.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/errc.hpp>
#include <fmt/format.h>

#include <memory>
#include <utility>

namespace rouse::suspendd {
namespace {

/// An error whose whole text is @p doing.
Error refusal(boost::system::errc::errc_t code, std::string doing) {
  return Error{make_error_code(code), std::move(doing)};
}

RequestHead head_of(const HttpQuestion& question) {
  RequestHead head;
  head.method = "GET";
  head.target = question.endpoint.base_path + question.path;
  if (head.target.empty()) head.target = "/";
  head.keep_alive = false;
  head.fields.add("host", question.endpoint.host_field());
  head.fields.add("user-agent", "rouse-suspendd");
  head.fields.add("accept", "*/*");
  if (!question.bearer.empty()) head.fields.add("authorization", "Bearer " + question.bearer);
  return head;
}

Error failed(const HttpQuestion& question, const Error& error) {
  return Error{error.code, "asking " + question.text()};
}

}  // namespace

std::string HttpQuestion::text() const {
  const std::string target = endpoint.base_path + path;
  if (!endpoint.unix_path.empty()) return endpoint.authority() + " for " + target;
  return (endpoint.tls ? "https://" : "http://") + endpoint.authority() + target;
}

Task<Result<void>> http_get_pieces(HttpPool& pool, HttpQuestion question,
                                   std::function<bool(std::string_view piece)> takes) {
  co_await asio::this_coro::throw_if_cancelled(false);
  Result<HttpPool::Lease> lease = co_await pool.connect(question.endpoint, question.timeout, true);
  if (!lease) co_return lease.error();
  HttpStream& stream = *lease->stream;
  stream.expires_after(question.timeout);
  const RequestHead head = head_of(question);
  const Result<void> sent = co_await stream.write_request(head, std::string_view(), false);
  if (!sent) co_return failed(question, sent.error());
  const Result<ResponseHead> answer = co_await stream.read_response(false);
  if (!answer) co_return failed(question, answer.error());
  if (answer->status != 200) {
    co_return refusal(boost::system::errc::protocol_error,
                      fmt::format("{} answered {} {}", question.text(), answer->status,
                                  reason_phrase(answer->status)));
  }
  for (std::size_t got = 0;;) {
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece) co_return failed(question, piece.error());
    got += piece->size();
    if (got > question.body_max) {
      co_return refusal(
          boost::system::errc::message_size,
          fmt::format("{} answered more than {} bytes", question.text(), question.body_max));
    }
    if (piece->empty() || !takes(*piece)) break;
  }
  stream.close();
  co_return Result<void>();
}

Task<Result<std::string>> http_get(HttpPool& pool, HttpQuestion question) {
  std::string body;
  const std::function<bool(std::string_view)> takes = [&body](std::string_view piece) {
    body += piece;
    return true;
  };
  const Result<void> got = co_await http_get_pieces(pool, std::move(question), takes);
  if (!got) co_return got.error();
  co_return body;
}

}  // namespace rouse::suspendd
