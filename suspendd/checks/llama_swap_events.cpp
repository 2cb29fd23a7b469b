#include "suspendd/checks/llama_swap_events.hpp"

#include <simdjson.h>

#include <cstdint>

namespace rouse::suspendd {
namespace {

using simdjson::dom::element;

/// Two rings of 100 KiB of log come first, each as one line, in which every byte may be
/// escaped twice.
constexpr std::size_t kEventLineMax = 4 * 1024 * 1024;

std::string text_at(const element& object, const char* key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

/// The models in an `inflight` event's own JSON; nullopt: it is not a snapshot.
std::optional<std::vector<std::string>> snapshot_models(const std::string& data) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(data).get(root) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> models;
  std::uint64_t total = 0;
  if (root["total"].get(total) == simdjson::SUCCESS) {
    models.resize(std::min<std::uint64_t>(total, 1000), "a model");
    return models;
  }
  simdjson::dom::array requests;
  if (text_at(root, "operation") != "snapshot") return std::nullopt;
  element list;
  if (root["requests"].get(list) != simdjson::SUCCESS) return std::nullopt;
  if (list.is_null()) return models;  // Go writes a nil slice so
  if (list.get(requests) != simdjson::SUCCESS) return std::nullopt;
  for (const element each : requests) models.push_back(text_at(each, "model"));
  return models;
}

}  // namespace

std::optional<std::vector<std::string>> models_in_motion(const std::string& running) {
  simdjson::dom::parser parser;
  element root;
  element list;
  if (parser.parse(running).get(root) != simdjson::SUCCESS) return std::nullopt;
  if (root["running"].get(list) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> found;
  if (list.is_null()) return found;
  simdjson::dom::array models;
  if (list.get(models) != simdjson::SUCCESS) return std::nullopt;
  for (const element each : models) {
    const std::string state = text_at(each, "state");
    if (state == "starting" || state == "stopping") {
      found.push_back(text_at(each, "model") + " is " + state);
    }
  }
  return found;
}

bool InflightReader::take(std::string_view piece) {
  while (!models_ && !piece.empty()) {
    const std::size_t end = piece.find('\n');
    if (line_.size() + piece.size() > kEventLineMax) too_long_ = true;
    if (!too_long_) line_ += piece.substr(0, end);
    if (end == std::string_view::npos) break;
    piece.remove_prefix(end + 1);
    if (!too_long_) take_line(line_);
    line_.clear();
    too_long_ = false;
  }
  return models_.has_value();
}

void InflightReader::take_line(const std::string& line) {
  constexpr std::string_view kData = "data:";
  // Logs are long and many: only what may be the one is parsed.
  if (!line.starts_with(kData) || line.find("inflight") == std::string::npos) return;
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(line.substr(kData.size())).get(root) != simdjson::SUCCESS) return;
  if (text_at(root, "type") != "inflight") return;
  models_ = snapshot_models(text_at(root, "data"));
}

}  // namespace rouse::suspendd
