#include "proxy/capabilities/answer_memory.hpp"

#include "base/posix.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/sha256.hpp"

#include <boost/system/errc.hpp>
#include <simdjson.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace rouse {

namespace {

using std::chrono::system_clock;

bool is_figure(char c) {
  return c >= '0' && c <= '9';
}

/// @p text with "${PORT}" for the number @p port, where it stands by itself.
std::string without_port(std::string text, const std::optional<int>& port) {
  if (!port) return text;
  const std::string digits = std::to_string(*port);
  constexpr std::string_view kPort = "${PORT}";
  for (std::size_t at = text.find(digits); at != std::string::npos; at = text.find(digits, at)) {
    const std::size_t end = at + digits.size();
    const bool is_whole =
        (at == 0 || !is_figure(text[at - 1])) && (end == text.size() || !is_figure(text[end]));
    if (is_whole) text.replace(at, digits.size(), kPort);
    at = is_whole ? at + kPort.size() : end;
  }
  return text;
}

std::string to_json(const AnswerMemory& memory) {
  JsonWriter json;
  json.begin_object();
  json.key("models");
  json.begin_object();
  for (const auto& [id, known] : memory) {
    json.key(id);
    json.begin_object();
    json.member("digest", known.digest);
    json.member("at", static_cast<std::int64_t>(system_clock::to_time_t(known.at)));
    json.member("props", known.answers.props);
    json.member("models", known.answers.models);
    json.member("info", known.answers.info);
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return json.take();
}

std::string text_at(const simdjson::dom::element& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

Error last_error(const std::string& doing) {
  return {boost::system::error_code(errno, boost::system::system_category()), doing};
}

}  // namespace

std::string digest_of_launch(const ModelConfig& model) {
  std::string text;
  const auto add = [&text](std::string_view part) { text.append(part).push_back('\0'); };
  for (const std::string& word : model.argv) add(without_port(word, model.port));
  add(without_port(model.proxy, model.port));
  add(model.use_model_name);
  for (const std::string& setting : model.env) {
    const bool is_option = setting.starts_with("LLAMA_ARG_");
    add(is_option ? setting : setting.substr(0, setting.find('=')));
  }
  return hex_of(sha256(text));
}

Result<AnswerMemory> read_answer_memory(const std::filesystem::path& file) {
  std::error_code ignored;
  AnswerMemory memory;
  if (!std::filesystem::exists(file, ignored)) return memory;
  const std::string doing = "what engines have said of themselves, from " + file.string();
  const Error broken{make_error_code(boost::system::errc::bad_message), doing};
  simdjson::dom::parser parser;
  simdjson::dom::object models;
  if (parser.load(file.string())["models"].get(models) != simdjson::SUCCESS) return broken;
  for (const auto& [id, entry] : models) {
    RememberedAnswers known;
    known.digest = text_at(entry, "digest");
    std::int64_t at = 0;
    if (known.digest.empty() || entry["at"].get(at) != simdjson::SUCCESS) return broken;
    known.at = system_clock::from_time_t(static_cast<std::time_t>(at));
    known.answers = {text_at(entry, "props"), text_at(entry, "models"), text_at(entry, "info")};
    memory.emplace(id, std::move(known));
  }
  return memory;
}

Result<void> write_answer_memory(const std::filesystem::path& file, const AnswerMemory& memory) {
  const std::string doing = "remembering what engines say of themselves in " + file.string();
  const std::string fresh = file.string() + ".new";
  const std::string text = to_json(memory) + "\n";
  {
    const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) return last_error(doing);
    for (std::size_t written = 0; written < text.size();) {
      const ssize_t n = ::write(fd.get(), text.data() + written, text.size() - written);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return last_error(doing);
      written += static_cast<std::size_t>(n);
    }
  }
  std::error_code error;
  std::filesystem::rename(fresh, file, error);
  if (error) return Error{boost::system::error_code(error), doing};
  return {};
}

}  // namespace rouse
