#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// Removes the lines whose first visible character is '#' (docs/llama-swap.md, Commands).
[[nodiscard]] std::string without_comment_lines(std::string_view text);

/// One word of a command.
struct CommandWord {
  std::string text;  ///< as the program gets it
  /// As a shell would look at it: each letter of the text that quotes or a backslash make plain is
  /// a '\1' here. In double quotes $ and ` are not plain.
  std::string live;
};

struct CommandWords {
  std::vector<CommandWord> words;
  char open_quote = 0;  ///< the quote that is never closed; 0: all are. It is in the last word.
};

/// As split_command(), with what a shell would have made of each letter.
[[nodiscard]] CommandWords read_command(std::string_view text);

/// Splits a command as a POSIX shell would, without a shell: quotes, backslashes, lines continued
/// by a backslash; no variables, globs or operators. An unterminated quote goes to the end.
[[nodiscard]] std::vector<std::string> split_command(std::string_view text);

}  // namespace rouse
