#include "base/service/line_format.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>

#include <array>
#include <ctime>
#include <string_view>

namespace rouse {

namespace {

std::string part_of(const std::tm& time, char flag) {
  switch (flag) {
    case '_':
      return fmt::format("{:2}", time.tm_mday);
    case 'k':
      return std::to_string((time.tm_hour + 11) % 12 + 1);
    default:
      break;
  }
  std::array<char, 64> text{};
  const std::size_t size = flag == 'Z' ? std::strftime(text.data(), text.size(), "%Z", &time)
                                       : std::strftime(text.data(), text.size(), "%z", &time);
  return {text.data(), size};
}

class Part final : public spdlog::custom_flag_formatter {
 public:
  explicit Part(char flag) : flag_(flag) {}

  void format(const spdlog::details::log_msg& /*message*/, const std::tm& time,
              spdlog::memory_buf_t& line) override {
    const std::string text = part_of(time, flag_);
    line.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<Part>(flag_);
  }

 private:
  char flag_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> line_format(const std::string& pattern) {
  auto format = std::make_unique<spdlog::pattern_formatter>();
  for (const char flag : std::string_view("_kZq")) format->add_flag<Part>(flag, flag);
  format->set_pattern(pattern);
  return format;
}

}  // namespace rouse
