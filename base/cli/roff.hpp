#pragma once

#include <string>
#include <string_view>

namespace rouse {

/// Text for a manual page: `words in backquotes` bold, every other letter as it is.
[[nodiscard]] std::string roff_text(std::string_view text);
/// The same in bold, or as a placeholder.
[[nodiscard]] std::string roff_bold(std::string_view text);
[[nodiscard]] std::string roff_placeholder(std::string_view text);

/// A manual page in the man macros.
class RoffPage {
 public:
  /// @p source: "rouse 0.1.0"; @p date: 2026-11-30.
  RoffPage(std::string_view name, int section, std::string_view date, std::string_view source,
           std::string_view manual);

  void section(std::string_view title);
  void subsection(std::string_view title);
  /// Paragraphs with an empty line between.
  void text(std::string_view text);
  /// @p head is roff already; @p text is not.
  void item(std::string_view head, std::string_view text);
  /// One that goes on where the last one ended.
  void text_here(std::string_view text) { fold(roff_text(text)); }
  /// roff as it is, in a line of its own.
  void raw(std::string_view line);
  /// Lines as they are.
  void example(std::string_view lines);

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  /// @p roff in source lines of a bearable length.
  void fold(std::string_view roff);

  std::string out_;
};

}  // namespace rouse
