#include "base/posix.hpp"

#include <unistd.h>

#include <cerrno>

namespace rouse {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

boost::system::error_code errno_code() {
  return {errno, boost::system::system_category()};
}

Error errno_error(std::string doing) {
  const auto code = errno_code();
  return Error{code, std::move(doing)};
}

}  // namespace rouse
