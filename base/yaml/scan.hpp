#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// What a text in YAML opens, told from the text alone, so that it can be told of one that no
/// parser takes. Knows quotes, brackets, comments and blocks (| and >).
struct YamlScan {
  struct Bracket {
    char kind;  ///< [ or {
    std::size_t at;
  };
  struct Quote {
    std::size_t begin;  ///< of the quote itself
    std::size_t end;    ///< behind the one that closes it; npos: none does
  };
  std::vector<Bracket> open;   ///< not closed before the end, the innermost last
  std::optional<Quote> quote;  ///< the last that begins before the end
};

/// Scans @p text up to @p end.
[[nodiscard]] YamlScan scan_yaml(std::string_view text, std::size_t end = std::string_view::npos);

/// The end of the quoted text whose quote is at @p begin: behind the one that closes it, or npos.
[[nodiscard]] std::size_t end_of_quoted(std::string_view text, std::size_t begin);

/// A line that begins with a key.
struct YamlKeyLine {
  std::size_t indent = 0;  ///< of the key, dashes before it counted
  bool in_list = false;    ///< there is a dash before it
  std::string name;        ///< without quotes
  std::size_t colon = 0;   ///< its place in the line
  std::string value;       ///< what follows in the line, without comment and blanks around it
};

/// The key at the start of @p line; nullopt: it has none.
[[nodiscard]] std::optional<YamlKeyLine> key_of_line(std::string_view line);

/// How many blanks @p line begins with.
[[nodiscard]] std::size_t indent_of(std::string_view line);

/// Whether the dash of a list's entry stands there.
[[nodiscard]] bool is_entry_at(std::string_view line, std::size_t at);

/// Whether @p line has more than blanks and a comment.
[[nodiscard]] bool says_something(std::string_view line);

/// The lines of @p text, without their ends.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// @p text in the quotes that leave it as it is; empty: there are none (or it is long).
[[nodiscard]] std::string in_yaml_quotes(std::string_view text);

/// @p text without blanks around it and without a comment behind it.
[[nodiscard]] std::string_view without_comment(std::string_view text);

}  // namespace rouse
