#pragma once

#include "tests/support/child_process.hpp"
#include "tests/support/http_probe.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::test {

struct WorldOptions {
  std::vector<std::string> args;  ///< after `serve --config FILE --listen HOST:PORT`
  std::vector<std::string> env;   ///< K=V
  bool start = true;              ///< else by start()
  std::string program = {};       ///< instead of the built rouse
  std::string listen = "127.0.0.1:0";
};

/// The built `rouse` with a configuration of the test, on a port of its own, and the engines that
/// it starts. Everything it runs carries a mark of this World in its environment, so that what is
/// left behind is found wherever it went: stop() and the destructor make that a test failure and
/// kill it.
class World {
 public:
  explicit World(std::string_view config, WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Starts rouse and waits for "listening on http://127.0.0.1:PORT"; a test failure without it.
  void start();
  /// Starts it and waits for nothing.
  void launch();
  /// SIGTERM, then waits. The exit status; nullopt (a test failure) if it is still there after
  /// @p limit. Fails the test if an engine is left.
  std::optional<int> stop(std::chrono::milliseconds limit = std::chrono::seconds(20));
  /// SIGKILL: rouse dies without a chance to clean up. What it leaves is not a failure until the
  /// World ends; a start() may follow.
  void kill();
  void signal(int number);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view target = {}) const;
  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool running();
  /// What its programs get on top of ours: the mark, and folders of this World.
  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] const TempDir& dir() const { return dir_; }
  [[nodiscard]] std::string config_file() const { return dir_ / "config.yaml"; }
  void write_config(std::string_view config);

  /// What rouse wrote since its (last) start.
  [[nodiscard]] std::string log() const;
  [[nodiscard]] bool wait_for_log(const std::string& text,
                                  std::chrono::milliseconds limit = std::chrono::seconds(10));

  /// The processes other than rouse that it or its engines started and that still run; those that
  /// carry the mark of an engine only, if @p engines_only.
  [[nodiscard]] std::vector<pid_t> children(bool engines_only = true) const;

  [[nodiscard]] HttpProbe connect() const { return HttpProbe(port_); }
  [[nodiscard]] ProbeResponse get(std::string_view target, const ProbeHeaders& headers = {}) const;
  [[nodiscard]] ProbeResponse post(std::string_view target, std::string_view body,
                                   const ProbeHeaders& headers = {}) const;

 private:
  void end_leftovers();

  TempDir dir_;
  WorldOptions options_;
  std::string mark_;  // "ROUSE_TEST_WORLD=..." in the environment of all that belongs to it
  std::unique_ptr<ChildProcess> rouse_;
  std::uint16_t port_ = 0;
};

}  // namespace rouse::test
