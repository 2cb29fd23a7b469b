#include "suspendd/text/json_members.hpp"

namespace rouse::suspendd {

std::string text_of(simdjson::dom::element object, const char* key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::int64_t number_of(simdjson::dom::element object, const char* key) {
  std::int64_t number = 0;
  return object[key].get(number) == simdjson::SUCCESS ? number : 0;
}

bool truth_of(simdjson::dom::element object, const char* key, bool otherwise) {
  bool truth = otherwise;
  return object[key].get(truth) == simdjson::SUCCESS ? truth : otherwise;
}

}  // namespace rouse::suspendd
