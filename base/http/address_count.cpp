#include "base/http/address_count.hpp"

#include <netinet/in.h>

#include <cstring>

namespace rouse {

namespace {

constexpr std::size_t kNetworkBytes = 8;
constexpr unsigned char kLoopbackV4 = 127;

/// Empty: it does not count.
std::string key_of(const sockaddr_storage& remote) {
  if (remote.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &remote, sizeof address);
    std::string key(sizeof address.sin_addr, '\0');
    std::memcpy(key.data(), &address.sin_addr, key.size());
    return static_cast<unsigned char>(key.front()) == kLoopbackV4 ? std::string() : key;
  }
  if (remote.ss_family != AF_INET6) return {};
  sockaddr_in6 address{};
  std::memcpy(&address, &remote, sizeof address);
  std::string key(sizeof address.sin6_addr, '\0');
  std::memcpy(key.data(), &address.sin6_addr, key.size());
  if (IN6_IS_ADDR_LOOPBACK(&address.sin6_addr)) return {};
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    key.erase(0, key.size() - sizeof(in_addr));
    return static_cast<unsigned char>(key.front()) == kLoopbackV4 ? std::string() : key;
  }
  // Of link-local addresses the network is the same for all.
  if (!IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr)) key.resize(kNetworkBytes);
  return key;
}

}  // namespace

AddressCount::Place::~Place() {
  if (all_ == nullptr) return;
  const auto found = all_->counts_.find(key_);
  if (--found->second == 0) all_->counts_.erase(found);
}

std::optional<AddressCount::Place> AddressCount::take(const sockaddr_storage& remote,
                                                      std::size_t most) {
  return take_of(key_of(remote), most);
}

std::optional<AddressCount::Place> AddressCount::take(uid_t user, std::size_t most) {
  return take_of(user == 0 ? std::string() : "user " + std::to_string(user), most);
}

std::optional<AddressCount::Place> AddressCount::take_of(std::string key, std::size_t most) {
  if (key.empty()) return Place();
  const auto found = counts_.find(key);
  if (most > 0 && found != counts_.end() && found->second >= most) return std::nullopt;
  return Place(*this, std::move(key));
}

}  // namespace rouse
