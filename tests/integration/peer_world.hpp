#pragma once

#include "tests/integration/power_world.hpp"
#include "tests/support/engine_record.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::test {

/// A front, and a box that it knows as "attic". The test is the box's daemon: sleep() and wake().
/// The front's way to wake it is a program that leaves a file, as a card would see a packet.
class PeerWorld {
 public:
  /// @p wake: further keys of the front's wake:, @p rest: further keys of the peer, indented by 4.
  explicit PeerWorld(std::string_view engine = "", std::string_view wake = "debounce: 100ms",
                     std::string_view rest = "")
      : box({fake_model("big", fmt::format("--record {} {}", record(), engine))}),
        front(fmt::format("models: {{}}\npeers:\n  attic:\n    proxy: {}\n    models: [big]\n{}"
                          "    wake: {{command: [/usr/bin/touch, {}], {}}}\n",
                          box.world.url(), rest, packet(), wake)) {}

  [[nodiscard]] std::string packet() const { return dir_ / "packet"; }
  [[nodiscard]] std::string record() const { return dir_ / "record"; }
  [[nodiscard]] bool was_woken() const { return std::filesystem::exists(packet()); }

  void sleep() {
    std::filesystem::remove(packet());
    held_.push_back(box.suspend(fmt::format("L{}", held_.size())));
  }
  void wake() { EXPECT_EQ(box.resumed(1000, "wol").status, 200); }
  /// As a machine does: only when it is told to.
  bool wakes_when_told() {
    if (!wait_until([this] { return was_woken(); })) return false;
    wake();
    return true;
  }
  /// What the front thinks of it.
  [[nodiscard]] std::string state() const {
    static constexpr std::string_view kKey = R"("state":")";
    const std::string text = front.get("/api/peers").body;
    const std::size_t at = text.find(kKey);
    if (at == std::string::npos) return text;
    return text.substr(at + kKey.size(), text.find('"', at + kKey.size()) - at - kKey.size());
  }
  [[nodiscard]] bool becomes(std::string_view state) const {
    return wait_until([&] { return this->state() == state; });
  }
  /// Those that came from the front: the box asks its engine for a token of its own after a sleep.
  [[nodiscard]] std::size_t engine_requests() const {
    const std::vector<EngineRequest> all = read_engine_record(record());
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const EngineRequest& each) {
          return std::any_of(each.headers.begin(), each.headers.end(), [](const auto& header) {
            return header.first == "x-request-attempt";
          });
        }));
  }

 private:
  TempDir dir_;

 public:
  PowerWorld box;
  World front;

 private:
  std::vector<PowerDrain> held_;
};

}  // namespace rouse::test
