#include "tests/fake_engine/record.hpp"

#include "tests/fake_engine/dialect.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <mutex>

namespace fake_engine {

namespace {

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace

void write_record(World& world, const Request& request) {
  const Options& options = world.options;
  if (options.record.empty()) return;
  std::string headers;
  for (const auto& field : request) {
    headers += fmt::format("{}[{},{}]", headers.empty() ? "" : ",",
                           json_text(std::string(field.name_string())),
                           json_text(std::string(field.value())));
  }
  const std::lock_guard lock(world.record_lock);
  std::ofstream(options.record, std::ios::app)
      << fmt::format(R"({{"engine":{},"method":"{}","target":{},"headers":[{}],"body_bytes":{},)"
                     R"("body_hash":"{:016x}","body":{}}})",
                     json_text(options.name), std::string(request.method_string()),
                     json_text(std::string(request.target())), headers, request.body().size(),
                     fnv1a(request.body()), json_text(request.body().substr(0, 2000)))
      << '\n';
}

bool is_form(const Request& request) {
  return request[boost::beast::http::field::content_type].starts_with("multipart/form-data");
}

bool says_json(const Request& request) {
  return request[boost::beast::http::field::content_type].starts_with("application/json");
}

std::string slot_file(std::string_view body) {
  const std::size_t key = body.find("\"filename\"");
  if (key == std::string_view::npos) return "slot.bin";
  const std::size_t begin = body.find('"', body.find(':', key)) + 1;
  const std::string name(body.substr(begin, body.find('"', begin) - begin));
  return name.substr(name.rfind('/') + 1);
}

}  // namespace fake_engine
