#include "base/http/ask.hpp"

#include "base/http/pool.hpp"
#include "tests/base/http/stream_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HttpAskTest : public StreamFixture {
 protected:
  using tcp = asio::ip::tcp;

  /// What came of @p ask, to which the other side says @p answer and keeps the connection.
  Result<HttpAnswer> ask(HttpAsk ask, std::string_view answer) {
    ask.url.host = "127.0.0.1";
    ask.url.port = acceptor_.local_endpoint().port();
    std::optional<Result<HttpAnswer>> got;
    group_.spawn(keep(http_ask(pool_, std::move(ask)), got));
    acceptor_.non_blocking(true);
    tcp::socket caller(io_);
    boost::system::error_code failed = asio::error::would_block;
    EXPECT_TRUE(run_until([&] {
      if (failed) acceptor_.accept(caller, failed);
      return !failed;
    }));
    peer_.reset(caller.release());
    asked_.clear();
    EXPECT_TRUE(run_until([this] {
      asked_ += heard();
      return asked_.find("\r\n\r\n") != std::string::npos;
    }));
    say(answer);
    EXPECT_TRUE(run_until([&got] { return got.has_value(); })) << "it waits for more";
    if (!got) return Error{make_error_code(HttpErrc::Timeout), "asking"};
    return std::move(*got);
  }
  void TearDown() override {
    hang_up();
    pool_.clear();
    StreamFixture::TearDown();
  }

  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  std::string asked_;
};

TEST_F(HttpAskTest, AsksAndHearsAll) {
  HttpAsk what;
  what.target = "/x?y";
  what.fields.add("x-mine", "1");
  const auto answer = ask(what, "HTTP/1.1 404 N\r\nContent-Length: 4\r\nX-Its: 2\r\n\r\nnope");
  ASSERT_TRUE(answer);
  EXPECT_THAT(asked_, AllOf(HasSubstr("GET /x?y HTTP/1.1\r\n"), HasSubstr("x-mine: 1\r\n"),
                            HasSubstr("host: 127.0.0.1:"), HasSubstr("Connection: close\r\n"),
                            Not(HasSubstr("Content-Length"))));
  EXPECT_EQ(answer->status, 404);
  EXPECT_FALSE(answer->ok());
  EXPECT_EQ(answer->body, "nope");
  EXPECT_EQ(answer->fields.find("x-its"), "2");
}

TEST_F(HttpAskTest, AHeadHasNoBodyToWaitFor) {
  HttpAsk what;
  what.method = "HEAD";
  const auto answer = ask(what, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok());
  EXPECT_EQ(answer->body, "");
  EXPECT_THAT(asked_, HasSubstr("HEAD / HTTP/1.1\r\n"));
}

TEST_F(HttpAskTest, NoMoreIsTakenThanIsWanted) {
  HttpAsk what;
  what.answer_max = 3;
  const auto answer = ask(what, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n12345");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "123");
}

TEST_F(HttpAskTest, OnlyFaultsOfAMessageHaveAStatus) {
  EXPECT_EQ(status_for(make_error_code(HttpErrc::BodyTooLarge)), 413);
  EXPECT_EQ(status_for(asio::error::connection_reset), 0);
  EXPECT_EQ(status_for({static_cast<int>(HttpErrc::Timeout), boost::system::system_category()}), 0)
      << "a number of the system that is the same";
}

TEST_F(HttpAskTest, WhatBreaksOffIsAFault) {
  const auto answer = ask({}, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().doing, HasSubstr("asking 127.0.0.1:"));
}

}  // namespace
}  // namespace rouse
