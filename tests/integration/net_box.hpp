#pragma once

#include "tests/integration/power_world.hpp"
#include "tests/support/engine_record.hpp"
#include "tests/support/peer_net.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::test {

/// A real rouse with a fake engine in the box.
class NetBox {
 public:
  explicit NetBox(PeerNet& net, std::string_view engine = {}) : net_(net) {
    net.in_box([&] {
      WorldOptions options;
      options.listen = fmt::format("{}:{}", kBoxIp, kBoxPort);
      power =
          std::make_unique<PowerWorld>(std::vector<std::string>{fake_model(
                                           "big", fmt::format("--record {} {}", record(), engine))},
                                       "", "", std::move(options));
    });
  }

  /// Without a word.
  void sleep(int nth = 1) { net_.sleep(processes(), nth); }
  /// The whole way; held() keeps the lease's connection.
  [[nodiscard]] bool commits(const std::string& lease) {
    auto drain = std::make_unique<PowerDrain>(power->drain(lease));
    if (drain->status() != 200) return false;
    const bool ok = power->call("commit", fmt::format(R"({{"lease":"{}"}})", lease)).status == 200;
    held_.push_back(std::move(drain));
    return ok;
  }
  void resumed() { EXPECT_EQ(power->resumed(1000, "wol").status, 200); }
  [[nodiscard]] std::string record() const { return dir_ / "record"; }
  /// Requests of clients; its proxy asks an engine itself whether it has survived a sleep.
  [[nodiscard]] std::size_t executed() const {
    const std::vector<EngineRequest> all = read_engine_record(record());
    const std::string hash = record_hash(chat("big"));
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const EngineRequest& each) { return each.body_hash == hash; }));
  }

 private:
  [[nodiscard]] std::vector<pid_t> processes() const {
    std::vector<pid_t> all = power->world.children(false);
    all.push_back(power->world.pid());
    return all;
  }

  PeerNet& net_;
  TempDir dir_;

 public:
  std::unique_ptr<PowerWorld> power;

 private:
  std::vector<std::unique_ptr<PowerDrain>> held_;
};

/// What a front needs to know of the box. @p wake: further keys of wake:, @p rest: of the peer.
[[nodiscard]] inline std::string net_config(std::string_view wake = "debounce: 0s",
                                            std::string_view rest = {}) {
  return fmt::format(
      "models: {{}}\npeers:\n  attic:\n    proxy: http://{}:{}\n    models: [big]\n{}    wake: "
      "{{mac: \"{}\", {}}}\n",
      kBoxIp, kBoxPort, rest, kBoxMac, wake);
}

/// What @p front thinks of its first peer.
[[nodiscard]] inline std::string peer_state(const World& front) {
  static constexpr std::string_view kKey = R"("state":")";
  const std::string text = front.get("/api/peers").body;
  const std::size_t at = text.find(kKey);
  if (at == std::string::npos) return text;
  const std::size_t begin = at + kKey.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

}  // namespace rouse::test
