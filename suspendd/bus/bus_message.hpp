#pragma once

#include "base/posix.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

struct sd_bus_message;

namespace rouse::suspendd {

/// A D-Bus message that arrived; a counted reference to libsystemd's.
class BusMessage {
 public:
  BusMessage() = default;
  /// Takes a reference of its own.
  explicit BusMessage(sd_bus_message* message);
  BusMessage(const BusMessage& other);
  BusMessage(BusMessage&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  BusMessage& operator=(BusMessage other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  ~BusMessage();

  [[nodiscard]] sd_bus_message* get() const { return message_; }
  [[nodiscard]] explicit operator bool() const { return message_ != nullptr; }
  [[nodiscard]] std::string sender() const;

 private:
  sd_bus_message* message_ = nullptr;
};

/// Reads the body of a message from its beginning. A value of another type than asked for makes
/// everything after it empty or zero, and finish() tells: so a whole structure is read without a
/// test per field. One reader at a time for a message.
class BusReader {
 public:
  explicit BusReader(const BusMessage& message);

  std::string string();  ///< s
  std::string path();    ///< o
  bool boolean();        ///< b
  std::uint32_t u32();   ///< u
  std::uint64_t u64();   ///< t
  UniqueFd fd();         ///< h: a duplicate, closed on exec

  /// Into the next array, structure or variant; @p contents without the brackets: array("(susso)").
  /// array() is read with `while (reader.more())`; each ends with leave().
  void array(const char* contents);
  void structure(const char* contents);
  void entry(const char* contents);  ///< of a dictionary, which is an array of them
  void variant(const char* contents);
  [[nodiscard]] bool more();  ///< false at the end of the container, or after a fault
  void leave();
  void skip(const char* types);

  /// BadReply when anything was not as asked; @p what was read, for the Error.
  [[nodiscard]] Result<void> finish(std::string_view what) const;

 private:
  bool ok(int result);

  sd_bus_message* message_;
  bool good_ = true;
};

/// An argument of a call: s, b, i, u or t by its type.
using BusArgument = std::variant<std::string, bool, std::int32_t, std::uint32_t, std::uint64_t>;

/// Where a call or a signal belongs.
struct BusObject {
  std::string service;
  std::string path;
  std::string interface;
};

struct BusCall {
  BusObject to;
  std::string member;
  std::vector<BusArgument> arguments;
  std::chrono::milliseconds timeout{5'000};
};

}  // namespace rouse::suspendd
