#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {

/// One change of a JSON text. The path is sjson's, as llama-swap's filters have it
/// (docs/llama-swap.md, Filters): members separated by dots, `\.` for a dot in a name, numbers for
/// places in an array, -1 for the one behind its end (Set) or the last (Remove), a colon in front
/// of a number that is a member's name. `*`, `?`, `#`, `@` and `|` must be escaped.
struct JsonEdit {
  enum class Kind {
    Remove,  ///< nothing happens when there is no such value
    Set,     ///< missing parents are made; a parent that is no object or array is replaced
    Fill,    ///< as Set, where there is no such value; null is one
    When,    ///< makes further edits where the value says one of some texts
  };
  Kind kind = Kind::Set;
  std::string path;
  std::string json = {};                ///< the new value's text, for Set and Fill
  std::vector<std::string> texts = {};  ///< for When: a string without its quotes, 5, true, null
  std::vector<JsonEdit> edits = {};     ///< for When

  bool operator==(const JsonEdit&) const = default;
};

/// What is wrong with @p path; empty: nothing.
[[nodiscard]] std::string edit_path_fault(std::string_view path);

/// @p name as a part of a path that means just that member.
[[nodiscard]] std::string path_part(std::string_view name);

/// Whether @p path is the member @p name of the top, however it is written.
[[nodiscard]] bool names_member(std::string_view path, std::string_view name);

/// Applies @p edits to @p text, one after the other, by splicing: every byte of what is not touched
/// stays as it is, new members come last. @p text must be JSON with an object or array at the top
/// (a text that is not may come out as another such text, or fail; never more). Linear in the text
/// for each edit.
[[nodiscard]] Result<std::string> edit_json(std::string text, const std::vector<JsonEdit>& edits);

}  // namespace rouse::wire
