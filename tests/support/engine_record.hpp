#pragma once

#include "tests/support/http_probe.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::test {

/// A request as a fake engine got it (its --record).
struct EngineRequest {
  std::string engine;
  std::string target;
  ProbeHeaders headers;
  std::size_t body_bytes = 0;
  std::string body_hash;
};

/// In the order in which they came; none if the file is not there yet.
[[nodiscard]] std::vector<EngineRequest> read_engine_record(const std::filesystem::path& file);

/// FNV-1a in hexadecimal digits, as in a record.
[[nodiscard]] std::string record_hash(std::string_view bytes);

}  // namespace rouse::test
