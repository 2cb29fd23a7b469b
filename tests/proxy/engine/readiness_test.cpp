#include "proxy/engine/readiness.hpp"

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <gtest/gtest.h>

namespace rouse {
namespace {

namespace asio = boost::asio;

Endpoint at(const std::string& url) {
  return *Endpoint::parse(url);
}

TEST(IsClosed, UntilSomebodyListensThere) {
  const std::string port = std::to_string(test::free_port());
  for (const char* const host : {"127.0.0.1", "localhost", "[::1]"}) {
    EXPECT_TRUE(is_closed(at(std::string("http://") + host + ":" + port))) << host;
  }
  asio::io_context io;
  const asio::ip::tcp::acceptor listener(
      io, {asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))});
  EXPECT_FALSE(is_closed(at("http://127.0.0.1:" + port)));
  EXPECT_FALSE(is_closed(at("http://localhost:" + port)));
}

TEST(IsClosed, UntilThereIsASocketAndItListens) {
  const test::TempDir dir;
  const std::string path = dir / "engine.sock";
  EXPECT_TRUE(is_closed(at("unix:" + path)));
  asio::io_context io;
  asio::local::stream_protocol::acceptor listener(io);
  listener.open();
  listener.bind(path);
  EXPECT_TRUE(is_closed(at("unix:" + path))) << "bound only";
  listener.listen();
  EXPECT_FALSE(is_closed(at("unix:" + path)));
}

TEST(IsClosed, OfOtherMachinesOnlyAProbeKnows) {
  EXPECT_FALSE(is_closed(at("http://engine.invalid:1")));
  EXPECT_FALSE(is_closed(at("http://192.0.2.1:1")));
}

}  // namespace
}  // namespace rouse
