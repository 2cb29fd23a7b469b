#include "proxy/telemetry/activity/store_file.hpp"

namespace rouse {

std::string foreign_store(std::string_view head) {
  using namespace std::string_view_literals;
  constexpr std::string_view kMagic = "SQLite format 3\0"sv;
  constexpr std::size_t kApplicationAt = 68;  // of SQLite's file format, with a size of 4
  constexpr std::string_view kOurs = "rous";
  if (head.empty()) return {};
  if (!head.starts_with(kMagic)) return "no SQLite database";
  if (head.size() < kApplicationAt + kOurs.size()) return "no whole SQLite database";
  if (head.substr(kApplicationAt, kOurs.size()) == kOurs) return {};
  const auto names = [&](std::string_view text) {
    return head.find(text) != std::string_view::npos;
  };
  if (names("ts_created") && names("model_id")) return "the history of llama-swap";
  return "the database of another program";
}

}  // namespace rouse
