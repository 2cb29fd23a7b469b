#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// The last bytes of a log and its live followers. Single thread.
class LogRing {
 public:
  explicit LogRing(std::size_t bytes_max = 100 * 1024);

  void append(std::string_view bytes);
  /// The whole content, beginning at the start of a line; of a line that is longer, its end.
  [[nodiscard]] std::string text() const;
  /// The last @p lines lines, without empty ones, of what came after @p since bytes in all.
  [[nodiscard]] std::vector<std::string> last_lines(std::size_t lines, std::size_t since = 0) const;
  [[nodiscard]] std::size_t total_bytes() const { return total_; }  ///< ever appended

  /// Calls @p follower for each append until the returned handle is destroyed. No byte is lost
  /// between text() and follow() called in the same turn.
  class Follow;
  [[nodiscard]] Follow follow(std::function<void(std::string_view)> follower);

  class Follow {
   public:
    Follow() = default;
    Follow(Follow&& other) noexcept;
    Follow& operator=(Follow&& other) noexcept;
    ~Follow();

   private:
    friend class LogRing;
    using List = std::list<std::function<void(std::string_view)>>;
    std::shared_ptr<List> list_;
    List::iterator at_{};
  };

 private:
  std::size_t bytes_max_;
  std::size_t total_ = 0;
  std::string bytes_;  // trimmed when it is twice what is shown
  std::shared_ptr<std::list<std::function<void(std::string_view)>>> followers_;
};

}  // namespace rouse
