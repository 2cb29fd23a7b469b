#include "base/async/task_group.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/wake/magic_packet.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <simdjson.h>

#include <functional>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kMac = "3c:7c:3f:12:34:56";
constexpr std::uint16_t kPort = 8080;

/// A machine on a cable: it sleeps, so nothing listens, until a magic packet comes out.
class Box {
 public:
  Box() = default;
  ~Box() {
    server_.stop_accepting();
    tasks_.cancel(asio::cancellation_type::terminal);
    io_.restart();
    while (tasks_.size() > 0) io_.run_one();
  }

  /// What it answers to a path: a status and a body.
  std::function<std::pair<int, std::string>(const std::string&)> answer =
      [](const std::string& path) {
        return path == "/v1/power"
                   ? std::pair(200, std::string(R"({"state":"awake","epoch":2,"boot_id":"b"})"))
                   : std::pair(404, std::string());
      };

  void wake() {
    const auto address = server_.listen("127.0.0.1", kPort);
    EXPECT_TRUE(address) << address.error().message();
  }
  /// Serves until @p program has ended; @p look is called all the while.
  void serve_until_end(test::ChildProcess& program, const std::function<void()>& look) {
    while (program.running()) {
      look();
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
  }

 private:
  Task<void> serve(std::unique_ptr<HttpStream> stream) {
    auto head = co_await stream->read_request();
    if (!head || !*head) co_return;
    const auto [status, body] = answer((*head)->target);
    ResponseHead response;
    response.status = status;
    response.framing = Framing::Length;
    response.content_length = body.size();
    const auto sent = co_await stream->write_response(response, body, false);
    static_cast<void>(sent);
  }

  asio::io_context io_{1};
  StreamDeadlines deadlines_{io_.get_executor()};
  TaskGroup tasks_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  HttpServer server_{
      tasks_,
      [this](std::unique_ptr<HttpStream> stream, std::string) { return serve(std::move(stream)); },
      HttpLimits(), deadlines_, 8};
};

int magic_packets(test::Wire& wire) {
  int count = 0;
  for (const test::Frame& frame : wire.frames()) {
    const auto packet = find_magic_packet(frame.payload());
    if (packet) EXPECT_EQ(packet->mac.text(), kMac);
    count += packet ? 1 : 0;
  }
  return count;
}

std::string config_text(const std::string& wake) {
  return fmt::format(
      "models: {{}}\npeers:\n  box:\n    proxy: http://127.0.0.1:{}\n    models: [big]\n    wake: "
      "{}\n",
      kPort, wake);
}

std::vector<std::string> wake_command(const std::vector<std::string>& more) {
  std::vector<std::string> argv{test::built_program("rouse"), "wake"};
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

class WakeCommand : public test::NetnsTest {
 protected:
  test::TempDir dir_;
  std::string config(const std::string& wake) const {
    return dir_.write("config.yaml", config_text(wake));
  }
};

TEST_F(WakeCommand, SendsUntilTheMachineAnswers) {
  const std::string file = config("{mac: \"3c:7c:3f:12:34:56\"}");
  inside([&file] {
    test::ip("link set lo up");
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::drop_capabilities();
    Box box;
    test::ChildProcess rouse(wake_command({"box", "--config", file}));
    int seen = 0;
    box.serve_until_end(rouse, [&] {
      const int before = seen;
      seen += magic_packets(lan);
      // The first volley is lost; each has two packets here.
      if (before < 3 && seen >= 3) box.wake();
    });
    EXPECT_EQ(rouse.wait(), 0);
    EXPECT_THAT(rouse.output(), HasSubstr("broadcast 10.9.1.255:9 on eth0 from 10.9.1.1 for "
                                          "3c:7c:3f:12:34:56: sent\n"));
    EXPECT_THAT(rouse.output(), HasSubstr("box is awake after "));
    EXPECT_THAT(rouse.output(), HasSubstr("says that it is awake"));
  });
}

TEST_F(WakeCommand, LeavesAMachineAloneThatIsAwake) {
  const std::string file = config("{mac: \"3c:7c:3f:12:34:56\"}");
  inside([&file] {
    test::ip("link set lo up");
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    Box box;
    box.wake();
    test::ChildProcess rouse(wake_command({"box", "--config", file}));
    box.serve_until_end(rouse, [] {});
    EXPECT_EQ(rouse.wait(), 0);
    EXPECT_THAT(rouse.output(), HasSubstr("box is awake already: says that it is awake"));
    test::ChildProcess tested(wake_command({"box", "--config", file, "--test"}));
    box.serve_until_end(tested, [] {});
    EXPECT_EQ(tested.wait(), 2);
    EXPECT_THAT(tested.output(), HasSubstr("a test wants it asleep; nothing was sent"));
    EXPECT_EQ(magic_packets(lan), 0);
  });
}

TEST_F(WakeCommand, OneThatIsGoingToSleepIsNotAwake) {
  const std::string file = config("{mac: \"3c:7c:3f:12:34:56\", timeout: 1s}");
  inside([&file] {
    test::ip("link set lo up");
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    Box box;
    box.wake();
    box.answer = [](const std::string&) {
      return std::pair(200, std::string(R"({"state":"suspending","epoch":2,"boot_id":"b"})"));
    };
    test::ChildProcess rouse(wake_command({"box", "--config", file}));
    box.serve_until_end(rouse, [] {});
    EXPECT_EQ(rouse.wait(), 1);
    EXPECT_THAT(rouse.output(), HasSubstr("box has not answered within 1 s"));
    EXPECT_THAT(rouse.output(), HasSubstr("at last: says that it is suspending"));
    // At 0, 0.2 and 1 s (or the last one too late), by two paths.
    const int seen = magic_packets(lan);
    EXPECT_GE(seen, 4);
    EXPECT_LE(seen, 6);
  });
}

TEST_F(WakeCommand, WhatIsNoRouseIsAskedForItsHealth) {
  const std::string file = config("{mac: \"3c:7c:3f:12:34:56\", timeout: 1s}");
  inside([&file] {
    test::ip("link set lo up");
    Box box;
    box.wake();
    int health = 503;
    box.answer = [&health](const std::string& path) {
      return path == "/health" ? std::pair(health, std::string()) : std::pair(404, std::string());
    };
    test::ChildProcess loading(wake_command({"box", "--config", file}));
    box.serve_until_end(loading, [] {});
    EXPECT_EQ(loading.wait(), 1);
    EXPECT_THAT(loading.output(), HasSubstr("at last: answers 503 to /health"));
    EXPECT_THAT(loading.output(), HasSubstr("FAILED broadcast 255.255.255.255:9 for 3c:"));
    for (const int fine : {200, 404}) {
      health = fine;
      test::ChildProcess rouse(wake_command({"box", "--config", file}));
      box.serve_until_end(rouse, [] {});
      EXPECT_EQ(rouse.wait(), 0);
      EXPECT_THAT(rouse.output(), HasSubstr(fmt::format("answers {} to {}", fine,
                                                        fine == 404 ? "/v1/models" : "/health")));
    }
  });
}

TEST_F(WakeCommand, ATestTellsWhichPathItWas) {
  const std::string file = config("{mac: \"3c:7c:3f:12:34:56\", command: [\"false\"]}");
  inside([&file] {
    test::ip("link set lo up");
    test::Wire first("eth0", "far0");
    test::Wire second("eth1", "far1");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::ip("addr add 10.9.2.1/24 brd + dev eth1");
    test::drop_capabilities();
    Box box;
    test::ChildProcess rouse(
        wake_command({"box", "--config", file, "--test", "--pause", "1s", "--json"}));
    bool is_awake = false;
    int in_vain = 0;
    box.serve_until_end(rouse, [&] {
      in_vain += magic_packets(first);
      if (!is_awake && magic_packets(second) > 0) {
        EXPECT_GE(in_vain, 2) << "the first path was not tried";
        box.wake();
        is_awake = true;
      }
    });
    EXPECT_EQ(rouse.wait(), 0);
    const std::string output = rouse.output();
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(output).get(root), simdjson::SUCCESS) << output;
    EXPECT_EQ(root["woken_by"].get_string().value(), "broadcast on eth1") << output;
    EXPECT_TRUE(root["awake"].get_bool().value());
    EXPECT_FALSE(root["already"].get_bool().value());
    EXPECT_EQ(root["not_tried"].at(0).get_string().value(), "command false");
  });
}

TEST_F(WakeCommand, ATestThatWakesNothingTriesAll) {
  const std::string file = config("{mac: \"3c:7c:3f:12:34:56\", command: [\"false\"], raw: true}");
  inside([&file] {
    test::ip("link set lo up");
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::drop_capabilities();
    Box box;
    test::ChildProcess rouse(wake_command({"box", "--config", file, "--test", "--pause", "1s"}));
    box.serve_until_end(rouse, [] {});
    EXPECT_EQ(rouse.wait(), 1);
    EXPECT_THAT(rouse.output(),
                AllOf(HasSubstr("path 1 of 3: broadcast on eth0\n"),
                      HasSubstr("path 2 of 3: raw, ethertype 0x0842\n"),
                      HasSubstr("FAILED raw ethertype 0x0842 on eth0 for"),
                      HasSubstr("CAP_NET_RAW"), HasSubstr("path 3 of 3: command false\n"),
                      HasSubstr("FAILED command false: exited with status 1")));
  });
}

TEST_F(WakeCommand, NeedsNoConfiguration) {
  inside([] {
    test::ip("link set lo up");
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::drop_capabilities();
    const auto [status, output] = test::run_program(
        wake_command({"--mac", kMac, "--broadcast", "10.9.1.255", "--port", "7"}));
    EXPECT_EQ(status, 0) << output;
    const int volleys = magic_packets(lan);
    EXPECT_GE(volleys, 3);
    EXPECT_THAT(output, HasSubstr(fmt::format("sent {} volleys; with a --url I would know whether",
                                              volleys)));
    const auto [failed, text] =
        test::run_program(wake_command({"--mac", kMac, "--interface", "eth9", "--json"}));
    EXPECT_EQ(failed, 1) << text;
    EXPECT_THAT(text,
                AllOf(HasSubstr("\"awake\":null"), HasSubstr("there is no interface eth9 here")));
  });
}

TEST_F(WakeCommand, WhatCannotBeAskedForIsSaidAtOnce) {
  const std::string file = config("{mac: auto}");
  const auto refused = [&](const std::vector<std::string>& argv, const std::string& why) {
    const auto [status, output] = test::run_program(wake_command(argv));
    EXPECT_EQ(status, 2) << output;
    EXPECT_THAT(output, HasSubstr(why));
  };
  refused({}, "name a PEER of the configuration, or give a --mac");
  refused({"boxx", "--config", file}, "no peer is called \"boxx\"; did you mean \"box\"?");
  refused({"box", "--config", file}, "no way to wake box: no address of a network card");
  refused({"box", "--config", dir_ / "none.yaml"}, "none.yaml");
  refused({"--mac", "x", "--port", "0"}, "wake.mac[0]: \"x\" is no MAC address");
  refused({"--mac", "x", "--port", "0"}, "wake.port[0]: expected a port");
  refused({"--mac", kMac, "--test"}, "a test wants a --url");
  refused({"--mac", kMac, "--url", "box"}, "must begin with http://");
  refused({"--mac", kMac, "--timeout", "soon"}, "\"soon\" is no duration");
  refused({"--mac", kMac, "--pause", "0"}, "no pause of a second at least");
  refused({"--nonsense"}, "--nonsense");
}

}  // namespace
}  // namespace rouse
