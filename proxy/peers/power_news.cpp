#include "proxy/peers/power_news.hpp"

#include <simdjson.h>

namespace rouse {

namespace {

using PowerState = core::peer::Announced::PowerState;

std::optional<PowerState> power_state_of(std::string_view state) {
  if (state == "awake") return PowerState::Awake;
  if (state == "draining") return PowerState::Draining;
  if (state == "suspending") return PowerState::Suspending;
  return std::nullopt;
}

}  // namespace

std::optional<PowerNews> parse_power_news(std::string_view json) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(json);
  simdjson::dom::element root;
  if (parser.parse(text).get(root) != simdjson::SUCCESS) return std::nullopt;
  std::string_view state;
  std::string_view boot_id;
  PowerNews news;
  if (root["state"].get(state) != simdjson::SUCCESS) return std::nullopt;
  if (root["boot_id"].get(boot_id) != simdjson::SUCCESS) return std::nullopt;
  if (root["epoch"].get(news.epoch.number) != simdjson::SUCCESS) return std::nullopt;
  const std::optional<PowerState> power = power_state_of(state);
  if (!power) return std::nullopt;
  news.power = *power;
  news.epoch.boot_id = boot_id;
  simdjson::dom::array cards;
  if (root["wake"]["macs"].get(cards) != simdjson::SUCCESS) return news;
  for (const simdjson::dom::element card : cards) {
    std::string_view mac;
    if (card["mac"].get(mac) != simdjson::SUCCESS) continue;
    if (const auto parsed = MacAddress::parse(mac)) news.macs.push_back(*parsed);
  }
  return news;
}

}  // namespace rouse
