#include "proxy/wire/engine_answers.hpp"

#include "proxy/wire/capabilities_json.hpp"

#include <simdjson.h>

#include <algorithm>

namespace rouse::wire {

namespace {

Capabilities find_in_list(std::string_view list, std::string_view name) {
  const auto models = read_model_list(list);
  if (!models || models->empty()) return {};
  if (models->size() == 1) return models->front().can;
  const auto found = std::find_if(models->begin(), models->end(),
                                  [name](const ListedModel& each) { return each.id == name; });
  return found == models->end() ? Capabilities() : found->can;
}

}  // namespace

const std::string* EngineAnswers::at(std::string_view path) const {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string* found = nullptr;
  if (path == "/props") found = &props;
  if (path == "/v1/models" || path == "/models") found = &models;
  if (path == "/info") found = &info;
  return found == nullptr || found->empty() ? nullptr : found;
}

bool is_json_object(std::string_view body) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(body);
  simdjson::dom::object root;
  return parser.parse(text).get(root) == simdjson::SUCCESS;
}

Capabilities read_answers(const EngineAnswers& answers, std::string_view name) {
  // First what llama-server says of a slot: its list may tell the context of all of them together.
  Capabilities said = read_props(answers.props);
  complete(said, find_in_list(answers.models, name));
  complete(said, read_info(answers.info));
  return said;
}

}  // namespace rouse::wire
