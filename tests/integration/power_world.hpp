#pragma once

#include "tests/integration/demo_world.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/support/world.hpp"

#include <gtest/gtest.h>

#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace rouse::test {

struct PowerReply {
  int status = 0;
  std::string body;
};

/// The number behind the first "epoch": in @p text; a test failure and 0 if there is none.
inline std::uint64_t epoch_in(std::string_view text) {
  static constexpr std::string_view kKey = "\"epoch\":";
  std::uint64_t epoch = 0;
  const std::size_t at = text.find(kKey);
  if (at == std::string_view::npos) {
    ADD_FAILURE() << "no epoch in " << text;
    return 0;
  }
  const char* const digits = text.data() + at + kKey.size();
  std::from_chars(digits, text.data() + text.size(), epoch);
  return epoch;
}

/// A call for a lease: its answer, and the stream as long as it lasts.
class PowerDrain {
 public:
  PowerDrain(const std::string& socket, std::string_view body) : probe_(socket) {
    EXPECT_TRUE(probe_.send_request("POST", "/v1/power/drain", body));
    answer_ = probe_.read_head();
    if (answer_.status == 200) {
      EXPECT_TRUE(probe_.read_until(answer_, "\n"));
    } else {
      while (probe_.read_piece(answer_)) {
      }
    }
  }

  [[nodiscard]] int status() const { return answer_.status; }
  [[nodiscard]] const std::string& body() const { return answer_.body; }
  [[nodiscard]] PowerReply reply() const { return {answer_.status, answer_.body}; }
  [[nodiscard]] std::string first_line() const {
    return answer_.body.substr(0, answer_.body.find('\n'));
  }
  /// What it says when the lease has ended; waits for that.
  std::string last_line() {
    while (probe_.read_piece(answer_)) {
    }
    EXPECT_TRUE(answer_.clean());
    const std::string& all = answer_.body;
    return all.size() < 2 ? all : all.substr(all.rfind('\n', all.size() - 2) + 1);
  }
  void close() { probe_.close(); }

 private:
  HttpProbe probe_;
  ProbeResponse answer_;
};

/// A rouse whose daemon is the test.
class PowerWorld {
 public:
  /// @p rest is configuration; @p power the keys of its power: section.
  explicit PowerWorld(const std::vector<std::string>& entries, std::string_view rest = {},
                      std::string_view power = {}, WorldOptions options = {})
      : world(models(entries, fmt::format("{}\npower: {{{}}}\n", rest, power)),
              std::move(options)) {}

  [[nodiscard]] std::string socket() const { return world.dir() / "run/power.sock"; }

  PowerReply call(std::string_view what, std::string_view body) const {
    return ask("POST", what, body);
  }
  [[nodiscard]] PowerDrain drain(const std::string& lease,
                                 std::chrono::milliseconds ttl = std::chrono::seconds(60)) const {
    return PowerDrain(socket(), fmt::format(R"({{"lease":"{}","ttl_ms":{},"reason":"idle"}})",
                                            lease, ttl.count()));
  }
  /// Drained and committed.
  [[nodiscard]] PowerDrain suspend(const std::string& lease) const {
    PowerDrain held = drain(lease);
    EXPECT_EQ(held.status(), 200) << held.body();
    const PowerReply committed = call("commit", fmt::format(R"({{"lease":"{}"}})", lease));
    EXPECT_EQ(committed.status, 200) << committed.body;
    return held;
  }
  PowerReply resumed(int slept_ms, std::string_view wake = "") const {
    return call("resumed", fmt::format(R"({{"epoch":{},"slept_ms":{},"wake":"{}"}})",
                                       epoch_in(activity()), slept_ms, wake));
  }
  [[nodiscard]] std::string activity() const { return ask("GET", "activity", "").body; }
  [[nodiscard]] std::string state() const {
    static constexpr std::string_view kKey = R"({"state":")";
    const std::string text = activity();
    if (!text.starts_with(kKey)) return text;
    return text.substr(kKey.size(), text.find('"', kKey.size()) - kKey.size());
  }
  [[nodiscard]] bool becomes_idle() const {
    return wait_until([this] { return activity().find(R"("busy":[])") != std::string::npos; });
  }

  /// As somebody else: the credentials are those of the thread that connects.
  [[nodiscard]] PowerReply call_as(uid_t uid, gid_t gid, std::string_view method,
                                   std::string_view what) const {
    PowerReply reply;
    for (const std::string& folder : {world.dir().path().string(), world.dir() / "run"}) {
      std::filesystem::permissions(folder, std::filesystem::perms(0755));
    }
    std::thread([&] {
      // Not glibc's functions, which change every thread of the process.
      EXPECT_EQ(::syscall(SYS_setgroups, 0, nullptr), 0);
      EXPECT_EQ(::syscall(SYS_setresgid, gid, gid, gid), 0);
      EXPECT_EQ(::syscall(SYS_setresuid, uid, uid, uid), 0);
      reply = ask(method, what, "{}");
    }).join();
    return reply;
  }

  World world;

 private:
  PowerReply ask(std::string_view method, std::string_view what, std::string_view body) const {
    HttpProbe probe(socket());
    EXPECT_TRUE(probe.connected());
    const std::string target = fmt::format("/v1/power/{}", what);
    EXPECT_TRUE(probe.send_request(method, target, method == "GET" ? "" : body));
    const ProbeResponse answer = probe.read_response(std::chrono::seconds(60));
    return {answer.status, answer.body};
  }
};

/// A subscriber of `/v1/power/events`.
class PowerEvents {
 public:
  explicit PowerEvents(const PowerWorld& box) : probe_(box.world.connect()) {
    EXPECT_TRUE(probe_.send_request("GET", "/v1/power/events"));
    stream_ = probe_.read_head();
    EXPECT_EQ(stream_.status, 200);
    EXPECT_EQ(stream_.header("content-type"), "text/event-stream");
  }

  /// The next event, comments aside; "" and a test failure if none comes.
  std::string next() {
    for (;;) {
      const std::size_t end = stream_.body.find("\n\n", at_);
      if (end == std::string::npos) {
        if (probe_.read_piece(stream_)) continue;
        ADD_FAILURE() << "no event came";
        return {};
      }
      std::string event = stream_.body.substr(at_, end - at_);
      at_ = end + 2;
      if (!event.starts_with(':')) return event;
    }
  }

 private:
  HttpProbe probe_;
  ProbeResponse stream_;
  std::size_t at_ = 0;
};

}  // namespace rouse::test
