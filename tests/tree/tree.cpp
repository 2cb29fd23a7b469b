#include "tests/tree/tree.hpp"

namespace rouse::test {

std::filesystem::path source_path(std::string_view below) {
  return std::filesystem::path(ROUSE_SOURCE_DIR) / below;
}

std::filesystem::path build_path(std::string_view below) {
  return std::filesystem::path(ROUSE_BINARY_DIR) / below;
}

}  // namespace rouse::test
