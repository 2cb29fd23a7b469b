#include "tests/support/world.hpp"

#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <charconv>

namespace rouse::test {
namespace {

/// The port of the line that says where it listens; nothing before the whole line is there.
std::optional<std::uint16_t> listening_port(const std::string& log, const std::string& listen) {
  const std::string listening = "listening on http://" + listen.substr(0, listen.rfind(':') + 1);
  const std::size_t at = log.find(listening);
  if (at == std::string::npos || log.find('\n', at) == std::string::npos) return std::nullopt;
  std::uint16_t port = 0;
  const char* const digits = log.data() + at + listening.size();
  const auto result = std::from_chars(digits, log.data() + log.size(), port);
  if (result.ec != std::errc()) return std::nullopt;
  return port;
}

}  // namespace

World::World(std::string_view config, WorldOptions options)
    : options_(std::move(options)), mark_("ROUSE_TEST_WORLD=" + dir_.path().filename().string()) {
  write_config(config);
  if (options_.start) start();
}

World::~World() {
  if (rouse_ && rouse_->running()) stop();
  rouse_.reset();
  end_leftovers();
}

std::vector<std::string> World::environment() const {
  // The names that systemd gives: nothing may be written outside this directory.
  std::filesystem::create_directories(dir_ / "state");
  std::filesystem::create_directories(dir_ / "run");
  std::vector<std::string> env{mark_, "STATE_DIRECTORY=" + (dir_ / "state"),
                               "RUNTIME_DIRECTORY=" + (dir_ / "run")};
  env.insert(env.end(), options_.env.begin(), options_.env.end());
  return env;
}

void World::launch() {
  const std::string program = options_.program.empty() ? built_program("rouse") : options_.program;
  std::vector<std::string> argv{program,       "serve",    "--config",
                                config_file(), "--listen", options_.listen};
  argv.insert(argv.end(), options_.args.begin(), options_.args.end());
  rouse_ = std::make_unique<ChildProcess>(argv, environment());
  port_ = 0;
}

void World::start() {
  launch();
  (void)wait_until(
      [this] {
        port_ = listening_port(rouse_->output(), options_.listen).value_or(0);
        return port_ != 0 || !rouse_->running();
      },
      std::chrono::seconds(20));
  if (port_ == 0) ADD_FAILURE() << "rouse does not listen; it said:\n" << rouse_->output();
}

std::optional<int> World::stop(std::chrono::milliseconds limit) {
  if (!rouse_) return std::nullopt;
  rouse_->signal(SIGTERM);
  const std::optional<int> status = rouse_->wait(limit);
  if (!status) ADD_FAILURE() << "rouse does not leave; it said:\n" << rouse_->output();
  end_leftovers();
  return status;
}

void World::kill() {
  rouse_->signal(SIGKILL);
  (void)rouse_->wait();
}

void World::signal(int number) {
  rouse_->signal(number);
}

std::string World::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

pid_t World::pid() const {
  return rouse_ ? rouse_->pid() : -1;
}

bool World::running() {
  return rouse_ && rouse_->running();
}

void World::write_config(std::string_view config) {
  dir_.write("config.yaml", config);
}

std::string World::log() const {
  return rouse_ ? rouse_->output() : "";
}

bool World::wait_for_log(const std::string& text, std::chrono::milliseconds limit) {
  return rouse_->wait_for_output(text, limit);
}

std::vector<pid_t> World::children(bool engines_only) const {
  std::vector<pid_t> found = processes_with_environment(mark_);
  std::erase(found, pid());
  if (!engines_only) return found;
  const std::vector<pid_t> engines = processes_with_environment("ROUSE_ENGINE");
  std::erase_if(found, [&](pid_t one) {
    return std::find(engines.begin(), engines.end(), one) == engines.end();
  });
  return found;
}

void World::end_leftovers() {
  const std::vector<pid_t> left = children(false);
  for (const pid_t one : left) {
    ADD_FAILURE() << "process " << one
                  << " is left behind: " << read_file("/proc/" + std::to_string(one) + "/cmdline");
    ::kill(one, SIGKILL);
  }
}

ProbeResponse World::get(std::string_view target, const ProbeHeaders& headers) const {
  return http(port_, "GET", target, {}, headers);
}

ProbeResponse World::post(std::string_view target, std::string_view body,
                          const ProbeHeaders& headers) const {
  return http(port_, "POST", target, body, headers);
}

}  // namespace rouse::test
