#include "suspendd/checks/command_answer.hpp"

#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/proc_text.hpp"

#include <simdjson.h>

#include <string_view>

namespace rouse::suspendd {
namespace {

std::optional<Finding> line_answer(std::string_view line) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::element said;
  if (parser.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  if (root["active"].get(said) != simdjson::SUCCESS) return std::nullopt;
  std::string_view reason;
  if (root["reason"].get(reason) != simdjson::SUCCESS) reason = {};
  bool is_active = false;
  if (said.is_null()) return unknown(excerpt(reason));
  if (said.get(is_active) != simdjson::SUCCESS) return std::nullopt;
  return is_active ? active(excerpt(reason)) : idle(excerpt(reason));
}

}  // namespace

std::optional<Finding> json_answer(const std::string& output) {
  std::optional<Finding> answer;
  std::string_view rest = output;
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] != '{') continue;
    if (auto found = line_answer(line)) answer = std::move(found);
  }
  return answer;
}

std::string last_line(const std::string& output) {
  std::string_view last;
  std::string_view rest = output;
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) last = line;
  }
  return excerpt(last);
}

}  // namespace rouse::suspendd
