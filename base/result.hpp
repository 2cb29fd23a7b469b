#pragma once

#include "base/check.hpp"

#include <boost/system/error_code.hpp>

#include <string>
#include <utility>
#include <variant>

namespace rouse {

/// What went wrong: a code to branch on and, for the log, what was being done.
struct Error {
  boost::system::error_code code;
  std::string doing;

  /// "connecting to 127.0.0.1:5800: Connection refused"
  [[nodiscard]] std::string message() const {
    return doing.empty() ? code.message() : doing + ": " + code.message();
  }
};

/// A value or an Error. Test it before use: `if (!r) return r.error();`
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return held_.index() == 0; }
  T& operator*() { return *checked(std::get_if<0>(&held_)); }
  const T& operator*() const { return *checked(std::get_if<0>(&held_)); }
  T* operator->() { return checked(std::get_if<0>(&held_)); }
  const T* operator->() const { return checked(std::get_if<0>(&held_)); }
  [[nodiscard]] const Error& error() const { return *checked(std::get_if<1>(&held_)); }

 private:
  template <class P>
  static P* checked(P* p) {
    ROUSE_CHECK(p != nullptr);
    return p;
  }
  std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  explicit operator bool() const { return ok_; }
  [[nodiscard]] const Error& error() const {
    ROUSE_CHECK(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace rouse
