#include "tests/support/client_trace.hpp"

#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <strings.h>

#include <algorithm>

namespace rouse::test {
namespace {

namespace ondemand = simdjson::ondemand;
using std::chrono::milliseconds;

constexpr std::string_view kLeftOut = "(omitted: one user message that fills the body)";
constexpr std::string_view kFormModel = "local-whisper";

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// The text of @p json without white space between its tokens: the bytes that were sent.
std::string compact(std::string_view json) {
  std::string out(json.size(), '\0');
  std::size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), out.data(), size) != simdjson::SUCCESS) return {};
  out.resize(size);
  return out;
}

/// One user message that makes the body @p size bytes long, in place of the words that say so.
void fill_left_out(std::string& body, std::size_t size) {
  const std::size_t at = body.find(kLeftOut);
  if (at == std::string::npos) return;
  const std::string before = R"([{"role":"user","content":")";
  const std::string after = R"("}])";
  std::string messages = before + after;
  const std::size_t others = body.size() - kLeftOut.size() - 2 + messages.size();
  if (size > others) messages = before + std::string(size - others, 'x') + after;
  body.replace(at - 1, kLeftOut.size() + 2, messages);
}

/// A form of @p size bytes with a file and a model, the model last unless @p model_first.
std::string form(std::string_view boundary, std::size_t size, bool model_first) {
  const std::string model = fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{}\r\n", boundary, kFormModel);
  const std::string file_head = fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
      "Content-Type: audio/wav\r\n\r\n",
      boundary);
  const std::string end = fmt::format("--{}--\r\n", boundary);
  const std::size_t others = model.size() + file_head.size() + 2 + end.size();
  const std::string file = file_head + std::string(size - others, '\1') + "\r\n";
  return model_first ? model + file + end : file + model + end;
}

std::string boundary_of(const TraceRequest& request) {
  const std::string type = request.header("content-type");
  const std::size_t at = type.find("boundary=");
  return at == std::string::npos ? "" : type.substr(at + 9);
}

/// simdjson hands errors over as exceptions here; read_client_trace() makes them a test failure.
TraceRequest read_request(ondemand::object object) {
  TraceRequest request;
  bool model_first = false;
  std::size_t size = 0;
  for (auto field : object) {
    const std::string_view key = field.unescaped_key();
    ondemand::value value = field.value();
    if (key == "t_ms") request.at = milliseconds(value.get_int64().value());
    if (key == "done_ms" && !value.is_null())
      request.done = milliseconds(value.get_int64().value());
    if (key == "conn") request.connection = static_cast<int>(value.get_int64());
    if (key == "nth_on_conn") request.nth_on_connection = static_cast<int>(value.get_int64());
    if (key == "method") request.method = std::string_view(value.get_string());
    if (key == "target") request.target = std::string_view(value.get_string());
    if (key == "body_bytes") size = static_cast<std::size_t>(value.get_uint64());
    if (key == "first_model_field_offset") model_first = value.get_uint64() < 1000;
    if (key == "body" && !value.is_null()) {
      request.body = compact(std::string_view(value.get_object().value().raw_json()));
    }
    if (key == "headers") {
      for (auto pair : value.get_array()) {
        std::vector<std::string> texts;
        for (auto text : pair.get_array()) texts.emplace_back(std::string_view(text.get_string()));
        request.headers.emplace_back(texts.at(0), texts.at(1));
      }
    }
  }
  fill_left_out(request.body, size);
  const std::string boundary = boundary_of(request);
  if (!boundary.empty()) {
    request.body = form(boundary, size, model_first);
    request.model = kFormModel;
  }
  EXPECT_EQ(request.body.size(), size) << request.target;
  return request;
}

void read_model(TraceRequest& request) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(request.body).get(root) != simdjson::SUCCESS) return;
  std::string_view model;
  if (root["model"].get(model) == simdjson::SUCCESS) request.model = model;
  if (root["stream"].get(request.stream) != simdjson::SUCCESS) request.stream = false;
}

void read_leaving(ondemand::object object, ClientTrace& trace) {
  const milliseconds at(object["t_ms"].get_int64().value());
  const auto connection = static_cast<int>(object["conn"].get_int64());
  const bool is_fin = std::string_view(object["event"].get_string()) == "client_fin";
  if (!is_fin || !object["during_request"].get_bool()) return;
  for (TraceRequest& request : trace.requests) {
    if (request.connection == connection && at >= request.at &&
        at <= request.done.value_or(milliseconds::max())) {
      request.left = at;
    }
  }
}

}  // namespace

std::string TraceRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::string TraceRequest::head(std::uint16_t port) const {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", method, target);
  for (const auto& [name, value] : headers) {
    const bool is_host = same_name(name, "host");
    text += fmt::format("{}: {}\r\n", name, is_host ? fmt::format("127.0.0.1:{}", port) : value);
  }
  return text + "\r\n";
}

std::vector<std::string> client_trace_names() {
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(test_data("client-traces/sessions"))) {
    names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ClientTrace read_client_trace(const std::string& name) {
  ClientTrace trace;
  trace.name = name;
  const std::string text = read_file(test_data("client-traces/sessions/" + name + ".json"));
  const simdjson::padded_string padded(text);
  ondemand::parser parser;
  try {
    ondemand::document document = parser.iterate(padded);
    for (auto request : document["requests"].get_array()) {
      trace.requests.push_back(read_request(request.get_object()));
      read_model(trace.requests.back());
    }
    for (auto event : document["connection_events"].get_array()) {
      read_leaving(event.get_object(), trace);
    }
  } catch (const simdjson::simdjson_error& error) {
    ADD_FAILURE() << name << ": " << error.what();
    trace.requests.clear();
  }
  EXPECT_FALSE(trace.requests.empty()) << name;
  return trace;
}

std::string_view last_event(const TraceRequest& request) {
  if (request.target.find("/messages") != std::string::npos) return "event: message_stop\n";
  if (request.target.find("/responses") != std::string::npos) return "event: response.completed\n";
  return "data: [DONE]\n";
}

}  // namespace rouse::test
