#include "suspendd/box/root.hpp"

#include "base/posix.hpp"
#include "base/text/ascii.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <memory>

namespace rouse::suspendd {
namespace {

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? std::string(real.get()) : std::string();
}

}  // namespace

Root::Root(std::string prefix) : prefix_(std::move(prefix)) {
  while (!prefix_.empty() && prefix_.back() == '/') prefix_.pop_back();
}

std::string Root::path(std::string_view absolute) const {
  return prefix_ + std::string(absolute);
}

Result<std::string> Root::read(std::string_view absolute) const {
  const std::string file = path(absolute);
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return errno_error("reading " + file);
  std::string text;
  std::size_t used = 0;
  while (used < kFileMax) {
    if (text.size() - used < 4096) text.resize(std::min(kFileMax, text.size() * 2 + 8192));
    const ssize_t n = ::read(fd.get(), text.data() + used, text.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading " + file);
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  text.resize(used);
  return text;
}

Result<std::string> Root::read_word(std::string_view absolute) const {
  auto text = read(absolute);
  if (!text) return text.error();
  return std::string(trim(*text));
}

Result<std::int64_t> Root::read_number(std::string_view absolute) const {
  const auto word = read_word(absolute);
  if (!word) return word.error();
  std::string_view digits = *word;
  const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (is_hex) digits.remove_prefix(2);
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, is_hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return Error{boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                 "reading " + path(absolute) + ", which says \"" + word->substr(0, 40) +
                     "\" and not a number"};
  }
  return number;
}

Result<void> Root::write(std::string_view absolute, std::string_view text) const {
  const std::string file = path(absolute);
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) return errno_error("writing \"" + std::string(text) + "\" to " + file);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return errno_error("writing \"" + std::string(text) + "\" to " + file);
  }
  return {};
}

bool Root::exists(std::string_view absolute) const {
  struct stat status {};
  return ::stat(path(absolute).c_str(), &status) == 0;
}

std::vector<std::string> Root::list(std::string_view absolute) const {
  std::vector<std::string> names;
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  const std::unique_ptr<DIR, Close> folder(::opendir(path(absolute).c_str()));
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Root::link(std::string_view absolute) const {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path(absolute).c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

std::string Root::resolve(std::string_view absolute) const {
  const std::string real = real_path(path(absolute));
  const std::string top = prefix_.empty() ? std::string() : real_path(prefix_);
  return real.starts_with(top + '/') ? real.substr(top.size()) : std::string();
}

std::string_view basename(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace rouse::suspendd
