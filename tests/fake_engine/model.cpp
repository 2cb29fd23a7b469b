#include "tests/fake_engine/model.hpp"

#include <simdjson.h>

#include <algorithm>
#include <sstream>

namespace fake_engine {

namespace {

namespace dom = simdjson::dom;

int count_words(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string word;
  int count = 0;
  while (words >> word) ++count;
  return count;
}

/// The text of a message: a string, or the text parts of a list.
std::string text_of(dom::element content) {
  std::string_view text;
  if (content.get(text) == simdjson::SUCCESS) return std::string(text);
  std::string joined;
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return joined;
  for (const dom::element part : parts) {
    if (part["text"].get(text) == simdjson::SUCCESS) joined += std::string(text) + " ";
  }
  return joined;
}

void read_messages(dom::array messages, Ask& ask) {
  ask.has_messages = true;
  for (const dom::element message : messages) {
    dom::element content;
    if (message["content"].get(content) != simdjson::SUCCESS) continue;
    const std::string text = text_of(content);
    ask.prompt_tokens += count_words(text);
    std::string_view role;
    if (message["role"].get(role) == simdjson::SUCCESS && role == "user") ask.last_user = text;
  }
}

std::vector<std::string> split(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  std::string word;
  while (stream >> word) words.push_back((words.empty() ? "" : " ") + word);
  return words;
}

}  // namespace

Ask read_ask(std::string_view body) {
  Ask ask;
  dom::parser parser;
  dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    ask.is_json = false;
    return ask;
  }
  std::string_view text;
  if (root["model"].get(text) == simdjson::SUCCESS) ask.model = text;
  if (root["stream"].get(ask.stream) != simdjson::SUCCESS) ask.stream = false;
  if (root["stream_options"]["include_usage"].get(ask.include_usage) != simdjson::SUCCESS) {
    ask.include_usage = false;
  }
  dom::array list;
  ask.has_tools = root["tools"].get(list) == simdjson::SUCCESS && list.size() > 0;
  for (const char* const key :
       {"max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict"}) {
    std::int64_t number = 0;
    if (root[key].get(number) == simdjson::SUCCESS) ask.max_tokens = static_cast<int>(number);
  }
  if (root["messages"].get(list) == simdjson::SUCCESS) read_messages(list, ask);
  for (const char* const key : {"prompt", "input"}) {
    dom::element prompt;
    if (root[key].get(prompt) != simdjson::SUCCESS) continue;
    if (prompt.get(list) == simdjson::SUCCESS && list.size() > 0 && list.at(0).is_object()) {
      read_messages(list, ask);
    } else {
      ask.last_user = text_of(prompt);
      ask.prompt_tokens += count_words(ask.last_user);
      ask.has_messages = true;
    }
  }
  return ask;
}

std::string Answer::word(std::size_t i) const {
  return endless ? " " + std::to_string(i % 12 + 1) : words[i];
}

Answer make_answer(const Ask& ask, const Options& options) {
  Answer answer;
  answer.endless = ask.last_user.find("LOOP") != std::string::npos;
  answer.calls_tool = ask.has_tools && ask.last_user.find("CALL") != std::string::npos;
  if (ask.last_user.find("THINK") != std::string::npos) answer.reasoning = split("let me think");
  if (!options.text.empty()) {
    answer.words = split(options.text);
  } else {
    for (int i = 1; i <= options.tokens; ++i) {
      answer.words.push_back((i > 1 ? " word-" : "word-") + std::to_string(i));
    }
  }
  if (ask.max_tokens >= 0 &&
      (answer.endless || answer.words.size() > static_cast<std::size_t>(ask.max_tokens))) {
    if (answer.endless) {
      answer.words.clear();
      for (int i = 0; i < ask.max_tokens; ++i)
        answer.words.push_back(" " + std::to_string(i % 12 + 1));
      answer.endless = false;
    }
    answer.words.resize(static_cast<std::size_t>(ask.max_tokens));
    answer.cut_by_length = true;
  }
  return answer;
}

}  // namespace fake_engine
