#include "suspendd/cli/operator_commands.hpp"

#include "base/text/json_writer.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/box/unit_files.hpp"
#include "suspendd/box/wake_source.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/text/json_members.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <poll.h>

#include <cstdio>
#include <iostream>
#include <sstream>

namespace rouse::suspendd {

namespace dom = simdjson::dom;

namespace {

constexpr std::chrono::seconds kGateTime{110};  // the unit's own limit is 120 s
constexpr std::chrono::milliseconds kWakeEventPatience{500};

struct NamedHold {
  std::string token;
  std::string why;
};

std::vector<NamedHold> holds_of(const std::string& status) {
  std::vector<NamedHold> named;
  dom::parser parser;
  dom::element root;
  dom::array holds;
  const simdjson::padded_string json(status);
  if (parser.parse(json).get(root) != simdjson::SUCCESS) return named;
  if (root["holds"].get(holds) != simdjson::SUCCESS) return named;
  for (const dom::element hold : holds) {
    named.push_back({text_of(hold, "token"), text_of(hold, "why")});
  }
  return named;
}

struct LastSleep {
  std::string at;  ///< empty: there was none
  bool ok = false;
  std::string wake;
  std::string source;
  std::string detail;
};

LastSleep last_sleep(const std::string& status) {
  dom::parser parser;
  dom::element root;
  dom::element record;
  LastSleep last;
  const simdjson::padded_string json(status);
  if (parser.parse(json).get(root) != simdjson::SUCCESS) return last;
  if (root["last_suspend"].get(record) != simdjson::SUCCESS || !record.is_object()) return last;
  last.at = text_of(record, "at");
  if (record["ok"].get(last.ok) != simdjson::SUCCESS) last.ok = false;
  last.wake = text_of(record, "wake");
  last.source = text_of(record, "source");
  last.detail = text_of(record, "detail");
  return last;
}

std::string history_line(const std::string& line) {
  dom::parser parser;
  dom::element entry;
  const simdjson::padded_string json(line);
  if (parser.parse(json).get(entry) != simdjson::SUCCESS) return line;
  const std::string command = text_of(entry, "command");
  bool accepted = true;
  if (entry["accepted"].get(accepted) != simdjson::SUCCESS) accepted = true;
  std::string text = text_of(entry, "text");
  if (!command.empty()) {
    text = fmt::format("{} by {}: {}{}", command, text_of(entry, "by"),
                       accepted ? "" : "refused: ", text);
  }
  return fmt::format("{}  {:<14} {}", text_of(entry, "at"), text_of(entry, "topic"), text);
}

/// From here on a wake event stops the suspend, where the kernel would else lose it.
void catch_wake_events(const Config& config, const Root& root) {
  if (!config.gate.abort_on_wake) return;
  const auto states = list_setting(systemd_settings(root, "sleep.conf"), "SuspendState");
  if (states != std::vector<std::string>{"mem"}) {
    std::fputs("gate: abort_on_wake is left out, since SuspendState= is not just mem\n", stderr);
    return;
  }
  const Result<std::uint64_t> count = read_wakeup_count(root, kWakeEventPatience);
  const Result<void> written =
      count ? write_wakeup_count(root, *count) : Result<void>(count.error());
  if (!written) std::fprintf(stderr, "gate: %s\n", written.error().message().c_str());
}

}  // namespace

int hold_awake(const CliOptions& options, const HoldOptions& hold) {
  JsonWriter json;
  json.begin_object();
  json.member("why", hold.why);
  if (hold.lasts) json.member("for_ms", static_cast<std::int64_t>(hold.lasts->count()));
  json.end_object();
  const Result<HttpAnswer> answer = ask_daemon(options, "POST", "/v1/hold", json.take());
  if (options.json || !answer || !answer->ok()) return print_answer(answer);
  dom::parser parser;
  dom::element root;
  const simdjson::padded_string body(answer->body);
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return print_answer(answer);
  std::printf(
      "%s: stays awake %s\n", text_of(root, "token").c_str(),
      hold.lasts ? ("for " + span_text(*hold.lasts)).c_str() : "until `rouse-suspendd release`");
  const std::string message = text_of(root, "message");
  if (message != "held") std::printf("%s\n", message.c_str());
  return 0;
}

int release_hold(const CliOptions& options, const std::string& token) {
  std::string chosen = token;
  if (chosen.empty()) {
    const Result<HttpAnswer> status = ask_daemon(options, "GET", "/v1/status");
    if (!status || !status->ok()) return print_answer(status);
    const std::vector<NamedHold> holds = holds_of(status->body);
    if (holds.empty()) {
      std::puts("there is no hold");
      return 0;
    }
    if (holds.size() > 1) {
      std::fputs("rouse-suspendd release: name one of\n", stderr);
      for (const NamedHold& each : holds) {
        std::fprintf(stderr, "  %s  %s\n", each.token.c_str(), each.why.c_str());
      }
      return 1;
    }
    chosen = holds.front().token;
  }
  return print_reply(ask_daemon(options, "POST", "/v1/release",
                                fmt::format("{{\"token\":{}}}", json_string(chosen))),
                     options.json);
}

int print_history(const CliOptions& options, std::size_t last) {
  const Result<HttpAnswer> answer =
      ask_daemon(options, "GET", fmt::format("/v1/history?last={}", last));
  if (options.json || !answer || !answer->ok()) return print_answer(answer);
  std::istringstream lines(answer->body);
  std::string line;
  while (std::getline(lines, line)) std::printf("%s\n", history_line(line).c_str());
  return 0;
}

int test_wake(const CliOptions& options, std::chrono::milliseconds net, bool sure) {
  if (!sure) {
    std::printf(
        "This puts the machine to sleep now. Send it a magic packet then (`rouse wake NAME` at the "
        "front).\nShould none wake it, its clock does after %s, if that works: have somebody near "
        "it.\nType yes to go on: ",
        span_text(net).c_str());
    std::fflush(stdout);
    std::string word;
    if (!std::getline(std::cin, word) || word != "yes") {
      std::puts("nothing was done");
      return 1;
    }
  }
  const Result<HttpAnswer> before = ask_daemon(options, "GET", "/v1/status");
  if (!before || !before->ok()) return print_answer(before);
  const std::string old_at = last_sleep(before->body).at;

  const int refused = print_reply(
      ask_daemon(options, "POST", "/v1/wake-test", fmt::format("{{\"net_ms\":{}}}", net.count())),
      false);
  if (refused != 0) return refused;
  // This clock stands still while the machine sleeps.
  for (int second = 0; second < 300; ++second) {
    ::poll(nullptr, 0, 1'000);
    const Result<HttpAnswer> now = ask_daemon(options, "GET", "/v1/status");
    if (!now || !now->ok()) continue;
    const LastSleep last = last_sleep(now->body);
    if (last.at.empty() || last.at == old_at) continue;
    if (!last.ok) {
      std::printf("it did not sleep: %s\n", last.detail.c_str());
      return 1;
    }
    const bool by_packet = last.wake == "wol";
    std::printf("woken by %s: %s\n", last.source.empty() ? "something" : last.source.c_str(),
                by_packet ? "a packet wakes this machine"
                          : "no packet has woken it; see `rouse-suspendd check`");
    return by_packet ? 0 : 1;
  }
  std::puts("it has not slept within 5 minutes; see `rouse-suspendd explain`");
  return 1;
}

int open_gate(const CliOptions& options) {
  const LoadedConfig loaded =
      load_config(options.config_file.empty() ? kUsualConfig : options.config_file);
  const Config config = loaded.config ? *loaded.config : Config();
  const Result<HttpAnswer> answer = ask_daemon(options, "POST", "/v1/gate", "{}", kGateTime);
  if (!answer) {
    std::fprintf(stderr, "gate: nobody could be asked, so the suspend goes on: %s\n",
                 answer.error().message().c_str());
  } else if (!answer->ok()) {
    std::fprintf(stderr, "gate: the suspend goes on: %s\n", refusal_text(*answer).c_str());
  } else {
    dom::parser parser;
    dom::element root;
    bool allow = true;
    const simdjson::padded_string json(answer->body);
    if (parser.parse(json).get(root) == simdjson::SUCCESS) {
      if (root["allow"].get(allow) != simdjson::SUCCESS) allow = true;
      std::printf("%s: %s\n", allow ? "allowed" : "denied", text_of(root, "message").c_str());
    }
    if (!allow) return 1;
  }
  catch_wake_events(config, Root(options.root));
  return 0;
}

}  // namespace rouse::suspendd
