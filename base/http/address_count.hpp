#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace rouse {

/// How many connections each address has. A network of 64 bits of IPv6 counts as one address, since
/// whoever has one address there has them all. This machine's own and unix sockets do not count:
/// whoever is here has better means, and a reverse proxy brings everybody. Single thread; outlives
/// its places.
class AddressCount {
 public:
  /// One connection, as long as it lives.
  class Place {
   public:
    Place() = default;
    Place(AddressCount& all, std::string key) : all_(&all), key_(std::move(key)) {
      ++all.counts_[key_];
    }
    Place(Place&& other) noexcept
        : all_(std::exchange(other.all_, nullptr)), key_(std::move(other.key_)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(all_, other.all_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Place();

   private:
    AddressCount* all_ = nullptr;  ///< null: it does not count
    std::string key_;
  };

  /// nullopt: @p remote has @p most already. 0: there is no bound.
  [[nodiscard]] std::optional<Place> take(const sockaddr_storage& remote, std::size_t most);
  /// The same for a user at the other end of a unix socket; root has no bound.
  [[nodiscard]] std::optional<Place> take(uid_t user, std::size_t most);

 private:
  [[nodiscard]] std::optional<Place> take_of(std::string key, std::size_t most);

  std::map<std::string, std::size_t> counts_;
};

}  // namespace rouse
