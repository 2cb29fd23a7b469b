#include "tests/support/fake_logind.hpp"

#include "tests/support/wait_until.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

namespace rouse::test {
namespace {

constexpr const char* kDbusDaemon = "/usr/bin/dbus-daemon";
constexpr int kAnswerMs = 10'000;

std::string escape(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (text.empty()) return "%";
  std::string word;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7F && c != '%') {
      word += c;
    } else {
      word += '%';
      word += kDigits[byte >> 4];
      word += kDigits[byte & 15];
    }
  }
  return word;
}

std::string unescape(const std::string& word) {
  if (word == "%") return {};
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '%' && i + 2 < word.size()) {
      text += static_cast<char>(std::strtol(word.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      text += word[i];
    }
  }
  return text;
}

/// Everybody may do everything: what the fake refuses, it refuses itself.
std::string bus_config(const std::string& address) {
  return "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
         " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
         "<busconfig>\n"
         "  <listen>" +
         address +
         "</listen>\n"
         "  <auth>EXTERNAL</auth>\n"
         "  <policy context=\"default\">\n"
         "    <allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
         "    <allow eavesdrop=\"true\"/>\n"
         "    <allow own=\"*\"/>\n"
         "  </policy>\n"
         "</busconfig>\n";
}

}  // namespace

bool FakeLogind::usable() {
  return ::access(kDbusDaemon, X_OK) == 0;
}

FakeLogind::FakeLogind(int version, bool with_logind) : with_logind_(with_logind) {
  address_ = "unix:path=" + (dir_ / "bus");
  if (!usable()) return;
  dir_.write("bus.conf", bus_config(address_));
  start_bus();
  command({"set", "version", std::to_string(version)});
}

FakeLogind::~FakeLogind() {
  if (control_ >= 0) ::close(control_);
}

void FakeLogind::start_bus() {
  // A test that dies takes the bus with it.
  bus_ = std::make_unique<ChildProcess>(std::vector<std::string>{
      "/usr/bin/setpriv", "--pdeathsig", "KILL", kDbusDaemon,
      "--config-file=" + (dir_ / "bus.conf"), "--nofork", "--nopidfile", "--print-address"});
  if (!bus_->wait_for_output("unix:")) ADD_FAILURE() << "dbus-daemon: " << bus_->output();
  if (logind_) {
    join();
    return;
  }
  std::vector<std::string> argv{built_program("fake_logind"), address_, dir_ / "control"};
  if (!with_logind_) argv.emplace_back("--systemd-only");
  logind_ = std::make_unique<ChildProcess>(argv);
  if (!logind_->wait_for_output("ready")) ADD_FAILURE() << "fake_logind: " << logind_->output();
  connect();
}

void FakeLogind::stop_bus() {
  leave();
  bus_.reset();
  ::unlink((dir_ / "bus").c_str());
}

void FakeLogind::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir_ / "control";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  control_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(control_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ADD_FAILURE() << "cannot reach the fake's control socket " << path;
  }
}

std::vector<std::string> FakeLogind::command(std::initializer_list<std::string_view> words) {
  return command(std::vector<std::string>(words.begin(), words.end()));
}

std::vector<std::string> FakeLogind::command(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + escape(word);
  line += '\n';
  std::string answer;
  if (::send(control_, line.data(), line.size(), MSG_NOSIGNAL) ==
      static_cast<ssize_t>(line.size())) {
    std::array<char, 65536> buffer{};
    pollfd waiting{control_, POLLIN, 0};
    while (answer.find('\n') == std::string::npos && ::poll(&waiting, 1, kAnswerMs) > 0) {
      const ssize_t got = ::read(control_, buffer.data(), buffer.size());
      if (got <= 0) break;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  std::istringstream in(answer);
  std::vector<std::string> values;
  for (std::string word; in >> word;) values.push_back(unescape(word));
  if (values.empty() || values.front() != "ok") {
    ADD_FAILURE() << "fake_logind, told \"" << line << "\", said \"" << answer << "\"";
    return {};
  }
  values.erase(values.begin());
  return values;
}

void FakeLogind::set_can_suspend(std::string_view answer) {
  command({"set", "can-suspend", answer});
}

void FakeLogind::suspends_wake_after(std::chrono::milliseconds asleep) {
  command({"set", "sleep", "wakes", std::to_string(asleep.count())});
}

void FakeLogind::suspends_hold() {
  command({"set", "sleep", "holds"});
}

void FakeLogind::suspends_abort() {
  command({"set", "sleep", "aborts"});
}

void FakeLogind::suspends_never_happen() {
  command({"set", "sleep", "never"});
}

void FakeLogind::wake() {
  command({"wake"});
}

void FakeLogind::set_delay_max(std::chrono::milliseconds longest) {
  command({"set", "delay-max-us", std::to_string(longest.count() * 1000)});
}

void FakeLogind::set_shutdown(std::string_view kind, std::uint64_t realtime_us) {
  command({"set", "shutdown", kind, std::to_string(realtime_us)});
}

namespace {

std::vector<std::string> with_fields(std::string_view command, std::string_view name,
                                     const FakeLogind::Fields& fields) {
  std::vector<std::string> words{std::string(command), std::string(name)};
  for (const auto& [key, value] : fields) words.push_back(key + "=" + value);
  return words;
}

}  // namespace

void FakeLogind::add_session(std::string_view id, const Fields& fields) {
  command(with_fields("session", id, fields));
}

void FakeLogind::end_session(std::string_view id) {
  command({"end-session", id});
}

void FakeLogind::set_unit(std::string_view name, const Fields& fields) {
  command(with_fields("unit", name, fields));
}

void FakeLogind::add_lock(std::string_view what, std::string_view who, std::string_view why,
                          std::string_view mode, int uid, int pid) {
  command({"lock", what, who, why, mode, std::to_string(uid), std::to_string(pid)});
}

void FakeLogind::remove_lock(std::string_view who) {
  command({"unlock", who});
}

void FakeLogind::fail(std::string_view method, std::string_view error_name, std::string_view text,
                      int times) {
  command({"trick", method, std::to_string(times), "fail", error_name, text});
}

void FakeLogind::delay(std::string_view method, std::chrono::milliseconds by, int times) {
  command({"trick", method, std::to_string(times), "delay", std::to_string(by.count())});
}

void FakeLogind::hang(std::string_view method, int times) {
  command({"trick", method, std::to_string(times), "hang"});
}

void FakeLogind::vanish_on(std::string_view method, int times) {
  command({"trick", method, std::to_string(times), "leave"});
}

void FakeLogind::signal_prepare(bool start) {
  command({"signal", start ? "true" : "false"});
}

void FakeLogind::set_preparing(bool preparing) {
  command({"set", "preparing", preparing ? "true" : "false"});
}

void FakeLogind::forge_prepare(bool start, std::string_view to) {
  const std::string_view text = start ? "true" : "false";
  if (to.empty()) {
    command({"forge", text});
  } else {
    command({"forge", text, to});
  }
}

void FakeLogind::finish_job(std::string_view result) {
  command({"finish-job", result});
}

void FakeLogind::leave() {
  command({"leave"});
}

void FakeLogind::join() {
  command({"join"});
}

std::string FakeLogind::state() {
  const auto words = command({"get", "state"});
  return words.empty() ? std::string() : words.front();
}

int FakeLogind::sleeps() {
  const auto words = command({"get", "sleeps"});
  return words.empty() ? -1 : std::atoi(words.front().c_str());
}

std::string FakeLogind::delay_ended() {
  const auto words = command({"get", "delay"});
  return words.empty() ? std::string() : words.front();
}

std::vector<std::string> FakeLogind::locks() {
  return command({"get", "locks"});
}

std::vector<std::string> FakeLogind::calls() {
  return command({"get", "calls"});
}

void FakeLogind::clear_calls() {
  command({"clear-calls"});
}

bool FakeLogind::wait_for_state(std::string_view wanted) {
  return wait_until([&] { return state() == wanted; }, std::chrono::seconds(10));
}

bool FakeLogind::wait_for_locks(std::size_t count) {
  return wait_until([&] { return locks().size() == count; }, std::chrono::seconds(10));
}

bool FakeLogind::wait_for_call(std::string_view call) {
  return wait_until(
      [&] {
        const auto made = calls();
        return std::find(made.begin(), made.end(), call) != made.end();
      },
      std::chrono::seconds(10));
}

}  // namespace rouse::test
