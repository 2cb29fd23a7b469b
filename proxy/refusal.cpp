#include "proxy/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

namespace rouse {

namespace {

constexpr std::size_t kRequestIdMax = 128;
constexpr std::size_t kNamesListed = 12;

bool is_fit_for_log(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string request_id_for(const RequestHead& head) {
  if (const auto given = head.fields.find("x-request-id"); given && is_fit_for_log(*given)) {
    return std::string(*given);
  }
  static std::uint64_t next = [] {
    std::random_device random;
    return (std::uint64_t{random()} << 32) | random();
  }();
  return fmt::format("{:016x}", next++);
}

std::string unknown_model_text(const Config& config, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& [id, model] : config.models) {
    if (!model.unlisted) names.push_back(id);
  }
  const std::size_t shown = std::min(names.size(), kNamesListed);
  std::string text = fmt::format("no model is called \"{}\"", name.substr(0, 100));
  if (shown > 0) {
    text += fmt::format(
        "; there are: {}",
        fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  }
  return text;
}

ResponseHead own_head(int status, std::string_view content_type) {
  ResponseHead head;
  head.status = status;
  head.reason = reason_phrase(status);
  head.framing = Framing::Length;
  if (!content_type.empty()) head.fields.add("content-type", content_type);
  return head;
}

ResponseHead error_head(int status, int retry_after_s) {
  ResponseHead head = own_head(status, "application/json");
  if (retry_after_s > 0) head.fields.add("retry-after", std::to_string(retry_after_s));
  return head;
}

}  // namespace rouse
