#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// Unpacks a body that has the coding gzip or deflate while its pieces pass. What is no such body
/// gives nothing, and of one that unpacks to more than kMost the rest is left out.
class Gunzip {
 public:
  static constexpr std::size_t kMost = 64 * 1024 * 1024;

  /// @p coding: the value of Content-Encoding; nullopt: another coding, or none.
  [[nodiscard]] static std::optional<Gunzip> for_coding(std::string_view coding);
  Gunzip(Gunzip&&) noexcept;
  Gunzip& operator=(Gunzip&&) noexcept;
  ~Gunzip();

  /// What @p piece adds.
  [[nodiscard]] std::string feed(std::string_view piece);

 private:
  struct Inflater;
  explicit Gunzip(bool is_gzip);
  [[nodiscard]] std::optional<std::size_t> head_size() const;

  bool is_gzip_;
  bool is_dead_ = false;
  bool is_begun_ = false;  // the head is behind us
  std::string head_;       // as much of it as there is
  std::size_t unpacked_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace rouse
