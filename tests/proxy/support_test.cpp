// The tests' own tools: what they say about a peer must be true before anything built on it is.

#include "tests/support/child_process.hpp"
#include "tests/support/http_probe.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace rouse::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

/// Listens, takes one connection, and sends what it is told to.
class OneServer {
 public:
  OneServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, raw, size), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
    ::getsockname(listener_, raw, &size);
    port_ = ntohs(address.sin_port);
  }
  ~OneServer() {
    close();
    ::close(listener_);
  }
  HttpProbe connect() {
    HttpProbe probe(port_);
    accepted_ = ::accept(listener_, nullptr, nullptr);
    return probe;
  }
  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(accepted_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void close() {
    if (accepted_ >= 0) ::close(std::exchange(accepted_, -1));
  }
  void reset() {
    const linger abort{1, 0};
    ::setsockopt(accepted_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    close();
  }
  std::string received() const {
    std::string text(4096, '\0');
    const ssize_t got = ::recv(accepted_, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(got > 0 ? got : 0));
    return text;
  }

 private:
  int listener_;
  int accepted_ = -1;
  std::uint16_t port_ = 0;
};

TEST(HttpProbe, TellsALastChunkFromACut) {
  OneServer server;
  HttpProbe probe = server.connect();
  server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  ProbeResponse response = probe.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_TRUE(response.clean());

  server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  server.close();
  response = probe.read_response();
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.end, ProbeEnd::Cut);
}

TEST(HttpProbe, TellsAShortBodyFromAWholeOne) {
  OneServer server;
  HttpProbe probe = server.connect();
  server.send("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\nX-A: b \r\n\r\nabc");
  ProbeResponse response = probe.read_response();
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.reason, "Not Found");
  EXPECT_EQ(response.header("x-a"), "b");
  EXPECT_TRUE(response.clean());

  server.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc");
  server.reset();
  response = probe.read_response();
  EXPECT_EQ(response.end, ProbeEnd::Cut);
}

TEST(HttpProbe, ReadsPieceByPieceAndComesBackAfterATimeOut) {
  OneServer server;
  HttpProbe probe = server.connect();
  EXPECT_EQ(probe.read_head(milliseconds(5)).end, ProbeEnd::TimedOut);
  server.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  ProbeResponse response = probe.read_head();
  EXPECT_THAT(response.interim, ElementsAre(100));
  EXPECT_FALSE(probe.read_piece(response, milliseconds(5)));
  EXPECT_EQ(response.end, ProbeEnd::TimedOut);
  server.send("3\r\nab");
  ASSERT_TRUE(probe.read_piece(response));
  EXPECT_EQ(response.pieces.back().bytes, "ab");
  server.send("c\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(probe.read_until(response, "cde"));
  EXPECT_FALSE(probe.read_piece(response));
  EXPECT_TRUE(response.clean());
  EXPECT_EQ(response.body, "abcde");
}

TEST(HttpProbe, ReportsWhatIsNotHttp) {
  for (const char* text :
       {"HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n"}) {
    OneServer server;
    HttpProbe probe = server.connect();
    server.send(text);
    EXPECT_EQ(probe.read_response().end, ProbeEnd::Malformed) << text;
  }
}

TEST(HttpProbe, SendsAWholeRequestAndNoticesTheClose) {
  OneServer server;
  HttpProbe probe = server.connect();
  EXPECT_TRUE(probe.send_request("POST", "/x?y", "{}", {{"Host", "h"}}));
  EXPECT_EQ(server.received(),
            "POST /x?y HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
  EXPECT_FALSE(probe.peer_closes(milliseconds(5)));
  server.close();
  EXPECT_TRUE(probe.peer_closes());
  EXPECT_FALSE(HttpProbe(free_port()).connected());
}

TEST(ChildProcess, GivesStatusAndOutput) {
  const auto [status, output] =
      run_program({"/bin/sh", "-c", "echo out; echo $GIVEN >&2; exit 3"}, {"GIVEN=value"});
  EXPECT_EQ(status, 3);
  EXPECT_EQ(output, "out\nvalue\n");
}

TEST(ChildProcess, IsKilledWithItsObjectAndFoundByItsEnvironment) {
  const std::string mark = "ROUSE_SUPPORT_TEST=" + std::to_string(::getpid());
  {
    ChildProcess child({"/bin/sh", "-c", "echo up; exec sleep 60"}, {mark});
    EXPECT_TRUE(child.wait_for_output("up"));
    EXPECT_THAT(processes_with_environment(mark), ElementsAre(child.pid()));
    EXPECT_FALSE(child.wait(milliseconds(5)).has_value());
    child.signal(SIGTERM);
    EXPECT_EQ(child.wait(), 128 + SIGTERM);
  }
  { ChildProcess child({"/bin/sleep", "60"}, {mark}); }
  EXPECT_THAT(processes_with_environment(mark), ElementsAre());
}

/// A World around a shell script in the place of rouse.
std::unique_ptr<World> world_of(const TempDir& dir, const std::string& script) {
  const std::string program = dir.write("program", "#!/bin/sh\n" + script);
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  WorldOptions options;
  options.program = program;
  return std::make_unique<World>("a: b\n", options);
}

constexpr const char* kServe =
    "trap 'exit 0' TERM\n"
    "echo \"listening on http://127.0.0.1:4711\"\n"
    "while :; do sleep 0.01; done\n";

TEST(World, ReadsThePortAndStopsInOrder) {
  const TempDir dir;
  const std::unique_ptr<World> world = world_of(dir, kServe);
  EXPECT_EQ(world->port(), 4711);
  EXPECT_EQ(world->url("/x"), "http://127.0.0.1:4711/x");
  EXPECT_TRUE(world->running());
  EXPECT_EQ(read_file(world->config_file()), "a: b\n");
  EXPECT_EQ(world->stop(), 0);
  EXPECT_FALSE(world->running());
}

TEST(World, FindsAndEndsAnEngineThatIsLeftBehind) {
  const TempDir dir;
  const std::string engine = "ROUSE_ENGINE=x setsid sleep 60 &\n";
  const std::unique_ptr<World> world = world_of(dir, engine + kServe);
  EXPECT_TRUE(wait_until([&] { return world->children().size() == 1; }));
  EXPECT_NONFATAL_FAILURE(world->stop(), "is left behind");
  EXPECT_TRUE(wait_until([&] { return world->children(false).empty(); }));
}

TEST(World, FailsTheTestWhenNothingListens) {
  const TempDir dir;
  EXPECT_NONFATAL_FAILURE(world_of(dir, "echo bad config; exit 2\n"), "bad config");
}

/// Sets or unsets a variable of our own environment, and brings back what it was.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

void lacks_a_thing() {
  ROUSE_SKIP("thing", "it is not installed");
}

TEST(Skip, IsAFailureInCIUnlessItIsKnownWhatIsMissing) {
  const Variable ci("CI", "true");
  {
    const Variable known("ROUSE_MAY_LACK", nullptr);
    EXPECT_FATAL_FAILURE(lacks_a_thing(), "thing is not here: it is not installed");
  }
  const Variable known("ROUSE_MAY_LACK", "another thing");
  EXPECT_TRUE(may_lack("thing"));
  EXPECT_FALSE(may_lack("another thing"));
  EXPECT_FALSE(may_lack("thin"));
}

TEST(Skip, IsFineElsewhere) {
  const Variable known("ROUSE_MAY_LACK", nullptr);
  for (const char* const value : {static_cast<const char*>(nullptr), "", "false"}) {
    const Variable ci("CI", value);
    EXPECT_TRUE(may_lack("thing"));
  }
}

TEST(TempDir, IsRemovedWithAllThatIsInIt) {
  std::filesystem::path path;
  {
    TempDir dir;
    path = dir.path();
    EXPECT_EQ(read_file(dir.write("a/b.txt", "text")), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace rouse::test
