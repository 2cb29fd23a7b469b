#pragma once

#include "base/yaml/fault.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// The place in a text where a parser gave up, and what is around it. Lines and columns (of bytes)
/// count from 1. @p text and @p said outlive it.
class YamlPlace {
 public:
  /// Something that a line could stand beside: a key, or the dash of an entry.
  struct Level {
    std::size_t indent;
    std::size_t line;
    std::string name;
    bool is_entry;  ///< of a list
  };

  YamlPlace(std::string_view text, int line, int column, std::string_view said);

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] std::size_t number() const { return line_; }  ///< of the line
  [[nodiscard]] std::size_t column() const { return column_; }
  [[nodiscard]] std::string_view said() const { return said_; }

  [[nodiscard]] bool has_said(std::string_view words) const;
  [[nodiscard]] std::string_view line(std::size_t number) const;
  /// Where the line @p number begins.
  [[nodiscard]] std::size_t offset(std::size_t number) const;
  /// The number of the line that has the letter @p offset.
  [[nodiscard]] std::size_t line_at(std::size_t offset) const;
  /// The last one before @p number that says something; 0: there is none.
  [[nodiscard]] std::size_t above(std::size_t number) const;
  /// A fault there.
  [[nodiscard]] YamlFault fault(std::size_t number, std::size_t column, std::string text) const;
  /// From the place on, without a comment.
  [[nodiscard]] std::string_view rest() const;
  /// The value that begins at @p begin of the line, without a comment.
  [[nodiscard]] std::string_view value_from(std::size_t begin) const;
  /// Whether the text of the line may be told: it, and the keys that hold it, are no secrets.
  [[nodiscard]] bool is_shown() const;
  /// @p value in quotes; empty: there are none for it, or it may not be told.
  [[nodiscard]] std::string quoted_text(std::string_view value) const;
  /// "put quotes around it: …".
  [[nodiscard]] std::string put_in_quotes(std::string_view value) const;
  /// That @p value cannot begin as it does.
  [[nodiscard]] std::string without_quotes(std::string_view value) const;
  /// What the line could stand beside: the key above, the one that holds it, and so on.
  [[nodiscard]] std::vector<Level> levels() const;

 private:
  std::string_view text_;
  std::vector<std::string_view> lines_;
  std::string_view said_;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

}  // namespace rouse
