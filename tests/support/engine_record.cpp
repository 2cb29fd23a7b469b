#include "tests/support/engine_record.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdint>
#include <fstream>

namespace rouse::test {
namespace {

namespace dom = simdjson::dom;

/// simdjson hands errors over as exceptions here.
EngineRequest read_line(dom::element line) {
  EngineRequest request;
  request.engine = line["engine"].get_string().value();
  request.target = line["target"].get_string().value();
  request.body_bytes = static_cast<std::size_t>(line["body_bytes"].get_uint64().value());
  request.body_hash = line["body_hash"].get_string().value();
  const dom::array headers = line["headers"].get_array().value();
  for (const dom::element pair : headers) {
    request.headers.emplace_back(pair.at(0).get_string().value(), pair.at(1).get_string().value());
  }
  return request;
}

}  // namespace

std::vector<EngineRequest> read_engine_record(const std::filesystem::path& file) {
  std::vector<EngineRequest> requests;
  std::ifstream in(file);
  dom::parser parser;
  for (std::string line; std::getline(in, line);) {
    try {
      requests.push_back(read_line(parser.parse(line)));
    } catch (const simdjson::simdjson_error& error) {
      ADD_FAILURE() << file << ": " << error.what() << ": " << line.substr(0, 200);
    }
  }
  return requests;
}

std::string record_hash(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace rouse::test
