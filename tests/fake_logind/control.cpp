#include "tests/fake_logind/fake.hpp"

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <utility>

// The control socket's commands; FakeLogind in tests/support has a function for each.

namespace rouse::test::fake_logind {
namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; in >> word;) words.push_back(unescape(word));
  return words;
}

std::uint64_t number(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10);
}

/// "key=value" words after the first two.
std::map<std::string, std::string> fields(const std::vector<std::string>& words) {
  std::map<std::string, std::string> found;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    if (equals == std::string::npos) continue;
    found[words[i].substr(0, equals)] = words[i].substr(equals + 1);
  }
  return found;
}

}  // namespace

std::string escape(const std::string& text) {
  static const char* const kDigits = "0123456789ABCDEF";
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
  return word.empty() ? "%" : word;
}

std::string unescape(const std::string& word) {
  if (word == "%") return {};
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '%' || i + 2 >= word.size()) {
      text += word[i];
      continue;
    }
    text += static_cast<char>(std::strtol(word.substr(i + 1, 2).c_str(), nullptr, 16));
    i += 2;
  }
  return text;
}

std::string Fake::control(const std::string& line) {
  const std::vector<std::string> words = split(line);
  if (words.empty()) return "error empty";
  const std::string& command = words[0];
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  std::string answer = "ok";
  if (command == "set") {
    answer = set(words);
  } else if (command == "session") {
    answer = add_session(words);
  } else if (command == "end-session") {
    sessions_.erase(word(1));
    sd_bus_emit_signal(bus_.get(), kLoginPath, kManager, "SessionRemoved", "so", word(1).c_str(),
                       encoded(kSessionRoot, word(1)).c_str());
  } else if (command == "unit") {
    answer = add_unit(words);
  } else if (command == "lock") {
    inhibitors_.push_back({word(1), word(2), word(3), word(4),
                           static_cast<std::uint32_t>(number(word(5))),
                           static_cast<std::uint32_t>(number(word(6)))});
  } else if (command == "unlock") {
    std::erase_if(inhibitors_,
                  [&](const Inhibitor& each) { return each.read_end < 0 && each.who == word(1); });
    go_on_if_unlocked();
  } else if (command == "signal") {
    tell_prepare(word(1) == "true");
  } else if (command == "forge") {
    answer = forge(words);
  } else if (command == "wake") {
    wake_up(true);
  } else if (command == "trick") {
    answer = trick(words);
  } else if (command == "finish-job") {
    finish_job(suspend_job_, "suspend.target", word(1));
  } else if (command == "leave") {
    leave();
  } else if (command == "join") {
    if (!join()) answer = "error cannot join the bus";
  } else if (command == "get") {
    answer = report(word(1));
  } else if (command == "clear-calls") {
    calls_.clear();
  } else {
    answer = "error unknown command " + command;
  }
  flush();
  return answer;
}

std::string Fake::set(const std::vector<std::string>& words) {
  if (words.size() < 3) return "error set NAME VALUE";
  const std::string& name = words[1];
  const std::string& value = words[2];
  if (name == "version") {
    version_ = static_cast<int>(number(value));
    return !bus_ || install() ? "ok" : "error vtable";
  }
  if (name == "can-suspend") {
    can_suspend_ = value;
  } else if (name == "delay-max-us") {
    delay_max_us = number(value);
  } else if (name == "preparing") {
    preparing = value == "true";
  } else if (name == "shutdown") {
    shutdown_kind = value;
    shutdown_at = words.size() > 3 ? number(words[3]) : 0;
  } else if (name == "sleep") {
    if (value == "wakes") sleep_ = Sleep::Wakes;
    if (value == "holds") sleep_ = Sleep::Holds;
    if (value == "aborts") sleep_ = Sleep::Aborts;
    if (value == "never") sleep_ = Sleep::Never;
    if (value == "real") sleep_ = Sleep::Real;
    sleep_for_ = milliseconds(words.size() > 3 ? number(words[3]) : 0);
  } else {
    return "error no such setting";
  }
  return "ok";
}

std::string Fake::add_session(const std::vector<std::string>& words) {
  if (words.size() < 2) return "error session ID key=value …";
  Session session;
  session.id = words[1];
  for (const auto& [key, value] : fields(words)) {
    if (key == "user") session.user = value;
    if (key == "uid") session.uid = static_cast<std::uint32_t>(number(value));
    if (key == "seat") session.seat = value;
    if (key == "class") session.session_class = value;
    if (key == "type") session.type = value;
    if (key == "state") session.state = value;
    if (key == "remote-host") session.remote_host = value;
    if (key == "service") session.service = value;
    if (key == "tty") session.tty = value;
    if (key == "scope") session.scope = value;
    if (key == "leader") session.leader = static_cast<std::uint32_t>(number(value));
    if (key == "remote") session.remote = value == "true";
    if (key == "idle-hint") session.idle_hint = value == "true";
    if (key == "idle-since") session.idle_since = number(value);
  }
  sessions_[words[1]] = session;
  if (bus_) {
    sd_bus_emit_signal(bus_.get(), kLoginPath, kManager, "SessionNew", "so", words[1].c_str(),
                       encoded(kSessionRoot, words[1]).c_str());
  }
  return "ok";
}

std::string Fake::add_unit(const std::vector<std::string>& words) {
  if (words.size() < 2) return "error unit NAME key=value …";
  Unit unit;
  for (const auto& [key, value] : fields(words)) {
    if (key == "load") unit.load = value;
    if (key == "file") unit.file = value;
    if (key == "active") unit.active = value;
    if (key == "sub") unit.sub = value;
    if (key == "result") unit.result = value;
    if (key == "status") unit.exec_main_status = static_cast<std::int32_t>(number(value));
    if (key == "realtime") unit.realtime = number(value);
    if (key == "monotonic") unit.monotonic = number(value);
  }
  units_[words[1]] = unit;
  return "ok";
}

std::string Fake::trick(const std::vector<std::string>& words) {
  if (words.size() < 4) return "error trick METHOD TIMES KIND …";
  Trick made;
  made.times = std::atoi(words[2].c_str());
  const std::string& kind = words[3];
  if (kind == "fail" && words.size() >= 5) {
    made.kind = Trick::Kind::Fail;
    made.name = words[4];
    made.text = words.size() > 5 ? words[5] : "";
  } else if (kind == "delay" && words.size() >= 5) {
    made.kind = Trick::Kind::Delay;
    made.delay = milliseconds(number(words[4]));
  } else if (kind == "hang") {
    made.kind = Trick::Kind::Hang;
  } else if (kind == "leave") {
    made.kind = Trick::Kind::Leave;
  } else {
    return "error no such trick";
  }
  tricks_[words[1]] = made;
  return "ok";
}

std::string Fake::report(const std::string& what) const {
  std::string answer = "ok";
  if (what == "state") {
    if (state_ == State::Awake) return "ok awake";
    return state_ == State::Preparing ? "ok preparing" : "ok asleep";
  }
  if (what == "sleeps") return "ok " + std::to_string(sleeps_);
  if (what == "delay") return "ok " + last_delay_;
  if (what == "calls") {
    for (const std::string& call : calls_) answer += " " + escape(call);
    return answer;
  }
  if (what == "locks") {
    for (const Inhibitor& each : inhibitors_) {
      answer += " " + escape(each.what + "|" + each.who + "|" + each.why + "|" + each.mode + "|" +
                             std::to_string(each.uid) + "|" + std::to_string(each.pid));
    }
    return answer;
  }
  return "error nothing of that name";
}

/// PrepareForSleep from somebody who is not logind: to everybody, or to the unique name given.
std::string Fake::forge(const std::vector<std::string>& words) {
  if (words.size() < 2) return "error forge true|false [NAME]";
  sd_bus* raw = nullptr;
  if (sd_bus_new(&raw) < 0) return "error no connection";
  const BusPtr stranger(raw);
  sd_bus_message* message_raw = nullptr;
  if (sd_bus_set_address(raw, address_.c_str()) < 0 || sd_bus_set_bus_client(raw, 1) < 0 ||
      sd_bus_start(raw) < 0 ||
      sd_bus_message_new_signal(raw, &message_raw, kLoginPath, kManager, "PrepareForSleep") < 0) {
    return "error cannot forge";
  }
  const MessagePtr message(message_raw);
  sd_bus_message_append(message_raw, "b", words[1] == "true" ? 1 : 0);
  if (words.size() > 2) sd_bus_message_set_destination(message_raw, words[2].c_str());
  const bool sent = sd_bus_send(raw, message_raw, nullptr) >= 0 && sd_bus_flush(raw) >= 0;
  return sent ? "ok" : "error not sent";
}

}  // namespace rouse::test::fake_logind
