#include "proxy/cli/wake_report.hpp"

#include "base/text/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace rouse {

namespace {

std::string volleys_text(int count) {
  return count == 1 ? std::string("1 volley") : fmt::format("{} volleys", count);
}

std::string last_line(const WakeReport::End& end, int volleys, bool any_sent) {
  const double seconds = static_cast<double>(end.took.count()) / 1000;
  if (!end.awake) {
    return any_sent ? fmt::format("sent {}; with a --url I would know whether it woke",
                                  volleys_text(volleys))
                    : std::string("nothing could be sent: see above");
  }
  if (end.already && end.is_test) {
    return fmt::format("{} is awake ({}): a test wants it asleep; nothing was sent", end.name,
                       end.answer);
  }
  if (end.already) return fmt::format("{} is awake already: {}", end.name, end.answer);
  if (!*end.awake) {
    return fmt::format("{} has not answered within {:.0f} s, after {}; at last: {}", end.name,
                       seconds, volleys_text(volleys), end.answer);
  }
  if (!end.is_test) {
    return fmt::format("{} is awake after {:.1f} s and {}: {}", end.name, seconds,
                       volleys_text(volleys), end.answer);
  }
  std::string text = fmt::format("{} was woken by: {}", end.name, end.woken_by);
  if (!end.not_tried.empty()) {
    text += fmt::format("\nnot tried, as it is awake now: {}", fmt::join(end.not_tried, ", "));
  }
  return text;
}

}  // namespace

void WakeReport::say(const std::string& line) const {
  if (json_) return;
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void WakeReport::told(const WakeResult& result) {
  Path& path = paths_[{result.path, result.destination, result.mac}];
  const bool is_news =
      path.times == 0 || path.last.ok != result.ok || path.last.code != result.code;
  ++path.times;
  path.last = result;
  if (!is_news) return;
  say(fmt::format("  {}{} {}{}: {}", result.ok ? "" : "FAILED ", result.path, result.destination,
                  result.mac.empty() ? "" : " for " + result.mac, result.text));
}

bool WakeReport::any_sent() const {
  return std::any_of(paths_.begin(), paths_.end(),
                     [](const auto& each) { return each.second.last.ok; });
}

void WakeReport::finish(const End& end) const {
  if (json_) return finish_json(end);
  say(last_line(end, volleys_, any_sent()));
}

void WakeReport::finish_json(const End& end) const {
  JsonWriter json;
  json.begin_object();
  json.member("machine", end.name);
  json.key("awake");
  if (end.awake) {
    json.value(*end.awake);
  } else {
    json.null();
  }
  json.member("already", end.already);
  json.member("seconds", static_cast<double>(end.took.count()) / 1000);
  json.member("volleys", volleys_);
  json.member("answer", end.answer);
  if (end.is_test) {
    json.member("woken_by", end.woken_by);
    json.key("not_tried");
    json.begin_array();
    for (const std::string& each : end.not_tried) json.value(each);
    json.end_array();
  }
  json.key("paths");
  json.begin_array();
  for (const auto& [key, path] : paths_) {
    json.begin_object();
    json.member("times", path.times);
    json.key("last");
    write_json(json, path.last);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  std::fputs((json.take() + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace rouse
