#include "suspendd/checks/proxy_activity.hpp"

#include "suspendd/checks/finding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace rouse::suspendd {
namespace {

using simdjson::dom::element;

/// The words for the kinds of work that the proxy names; others stand for themselves.
std::string_view words_for(std::string_view kind) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords{{
      {"inflight", "running"},
      {"queued", "waiting"},
      {"upload", "being received"},
      {"held", "held back"},
      {"starting", "starting"},
      {"stopping", "stopping"},
      {"management", "operator's call"},
  }};
  const auto it = std::find_if(kWords.begin(), kWords.end(),
                               [kind](const auto& each) { return each.first == kind; });
  return it == kWords.end() ? kind : it->second;
}

/// One kind of work, however many there are of it.
struct Work {
  std::string kind;
  std::size_t count = 0;
  std::set<std::string> models;
  std::int64_t oldest_ms = 0;
};

void add_to(std::vector<Work>& all, const element& item) {
  std::string_view kind = "busy";
  std::string_view model;
  std::int64_t age = 0;
  if (item["kind"].get(kind) != simdjson::SUCCESS) kind = "busy";
  if (item["model"].get(model) != simdjson::SUCCESS) model = {};
  if (item["age_ms"].get(age) != simdjson::SUCCESS) age = 0;
  auto it = std::find_if(all.begin(), all.end(), [kind](const Work& w) { return w.kind == kind; });
  if (it == all.end()) it = all.insert(all.end(), Work{std::string(kind), 0, {}, 0});
  ++it->count;
  it->oldest_ms = std::max(it->oldest_ms, age);
  if (!model.empty()) it->models.emplace(model);
}

std::string text_of(const Work& work) {
  std::string text = fmt::format("{} {}", work.count, words_for(work.kind));
  if (!work.models.empty()) {
    text += fmt::format(" ({})", excerpt(fmt::format("{}", fmt::join(work.models, ", ")), 80));
  }
  if (work.oldest_ms >= 1000) {
    text += fmt::format(" for {}", age_text(std::chrono::milliseconds(work.oldest_ms)));
  }
  return text;
}

}  // namespace

Finding proxy_activity(const std::string& json) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array busy;
  if (parser.parse(json).get(root) != simdjson::SUCCESS ||
      root["busy"].get(busy) != simdjson::SUCCESS) {
    return unknown("the proxy's answer about its activity cannot be read: " + excerpt(json, 80));
  }
  std::vector<Work> all;
  for (const element item : busy) add_to(all, item);
  if (!all.empty()) {
    std::vector<std::string> words;
    for (const Work& work : all) words.push_back(text_of(work));
    return active(fmt::format("{}", fmt::join(words, ", ")));
  }
  std::int64_t since = 0;
  if (root["last_activity_ms"].get(since) != simdjson::SUCCESS) {
    return idle("no request is running or waiting");
  }
  Finding finding = idle("no request is running or waiting; last activity " +
                         age_text(std::chrono::milliseconds(since)) + " ago");
  finding.idle_for = std::chrono::milliseconds(std::max<std::int64_t>(since, 0));
  return finding;
}

}  // namespace rouse::suspendd
