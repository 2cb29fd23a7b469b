#include "proxy/logs/log_ring.hpp"

#include <algorithm>
#include <utility>

namespace rouse {

LogRing::LogRing(std::size_t bytes_max)
    : bytes_max_(bytes_max),
      followers_(std::make_shared<std::list<std::function<void(std::string_view)>>>()) {}

void LogRing::append(std::string_view bytes) {
  total_ += bytes.size();
  // One more than is shown: it says whether a line begins with the first that is.
  const std::size_t kept = bytes_max_ + 1;
  bytes_ += bytes.size() > kept ? bytes.substr(bytes.size() - kept) : bytes;
  if (bytes_.size() >= 2 * kept) bytes_.erase(0, bytes_.size() - kept);
  // A follower may end itself or another one in its call: the list outlives the loop, and a handle
  // that goes only empties its entry.
  const auto followers = followers_;
  for (auto& follower : *followers) {
    if (follower) follower(bytes);
  }
  followers->remove_if([](const auto& follower) { return !follower; });
}

std::string LogRing::text() const {
  if (bytes_.size() <= bytes_max_) return bytes_;
  const std::size_t from = bytes_.size() - bytes_max_;
  const std::size_t line_end = bytes_.find('\n', from - 1);
  const bool is_one_line = line_end == std::string::npos || line_end + 1 == bytes_.size();
  return bytes_.substr(is_one_line ? from : line_end + 1);
}

std::vector<std::string> LogRing::last_lines(std::size_t lines, std::size_t since) const {
  std::vector<std::string> found;
  std::string_view rest = bytes_;
  rest.remove_prefix(rest.size() - std::min(rest.size(), total_ - std::min(total_, since)));
  while (!rest.empty() && found.size() < lines) {
    if (rest.back() == '\n' || rest.back() == '\r') {
      rest.remove_suffix(1);
      continue;
    }
    const std::size_t start = rest.find_last_of("\n\r");
    const std::size_t begin = start == std::string_view::npos ? 0 : start + 1;
    found.emplace_back(rest.substr(begin));
    rest = rest.substr(0, begin);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

LogRing::Follow LogRing::follow(std::function<void(std::string_view)> follower) {
  Follow handle;
  handle.list_ = followers_;
  handle.at_ = followers_->insert(followers_->end(), std::move(follower));
  return handle;
}

LogRing::Follow::Follow(Follow&& other) noexcept
    : list_(std::exchange(other.list_, nullptr)), at_(other.at_) {}

LogRing::Follow& LogRing::Follow::operator=(Follow&& other) noexcept {
  std::swap(list_, other.list_);
  std::swap(at_, other.at_);
  return *this;
}

LogRing::Follow::~Follow() {
  if (list_) *at_ = nullptr;
}

}  // namespace rouse
