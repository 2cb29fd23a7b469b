#pragma once

#include <string>
#include <string_view>

namespace rouse {

/// What a person has to change in a text, and where; lines and columns (of letters) count from 1.
struct YamlFault {
  int line = 0;
  int column = 0;
  std::string text;
};

/// Why the parser gave up at @p line and @p column (of bytes) of @p text, and what to do. A parser
/// knows what it wanted, not what was meant: this looks at the lines around. @p said: its words.
[[nodiscard]] YamlFault explain_yaml_fault(std::string_view text, int line, int column,
                                           std::string_view said);

/// Whether @p text, a line or the path of a key, is about something that no message may show.
[[nodiscard]] bool is_about_secrets(std::string_view text);

/// What is wrong with @p line, in which a key is to begin and none does: it has no colon, or none
/// with a blank behind it, or it goes on with the value of @p above, the key before it (or empty).
/// @p is_shown: its text may be told.
[[nodiscard]] std::string explain_lost_line(std::string_view line, std::string_view above,
                                            int line_above, bool is_shown);

/// @p text cut for a message.
[[nodiscard]] std::string shortened(std::string_view text);

}  // namespace rouse
