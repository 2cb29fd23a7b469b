#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace rouse::suspendd {

/// How long ago things were last used, by the stamps that the file system keeps. A stamp is of the
/// wall clock, which may be set: it is believed once, when a thing is first seen; from then on what
/// counts is when it was seen to change, on a clock that nobody can set. Pure.
class StampAges {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Wall = std::chrono::system_clock::time_point;

  /// A look at all things begins.
  void begin(Time now, Wall wall);
  /// @p name carries @p stamp now (nanoseconds since 1970).
  void add(const std::string& name, std::int64_t stamp);
  /// Forgets what this look did not add.
  void end();

  /// Of one that this look has added.
  [[nodiscard]] std::chrono::milliseconds age(const std::string& name) const;
  [[nodiscard]] bool is_empty() const { return things_.empty(); }
  struct Youngest {
    std::string name;
    std::chrono::milliseconds age{0};
  };
  /// The one used last; not when it is empty.
  [[nodiscard]] Youngest youngest() const;

 private:
  struct Thing {
    std::int64_t stamp = 0;
    Time used;
    bool seen = true;
  };
  Time now_;
  Wall wall_;
  std::map<std::string, Thing> things_;
};

}  // namespace rouse::suspendd
