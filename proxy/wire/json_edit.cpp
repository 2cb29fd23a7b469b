#include "proxy/wire/json_edit.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/text_scan.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace rouse::wire {

namespace {

/// A hole in an array is filled with nulls up to here; a path that asks for more is a mistake.
constexpr std::size_t kIndexMax = 10'000;
constexpr std::string_view kSpecial = "|#@*?";

struct PathPart {
  std::string name;
  bool is_name = false;  ///< a colon said that it is no index

  [[nodiscard]] bool is_last() const { return !is_name && name == "-1"; }
  [[nodiscard]] std::optional<std::size_t> index() const {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    const bool whole = error == std::errc{} && end == name.data() + name.size();
    return is_name || !whole ? std::nullopt : std::optional(value);
  }
};

std::vector<PathPart> parse_path(std::string_view path) {
  std::vector<PathPart> parts(1);
  bool at_start = true;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '.') {
      parts.emplace_back();
      at_start = true;
      continue;
    }
    if (at_start && path[i] == ':') {
      parts.back().is_name = true;
    } else {
      if (path[i] == '\\' && i + 1 < path.size()) ++i;
      parts.back().name += path[i];
    }
    at_start = false;
  }
  return parts;
}

// --- reading -------------------------------------------------------------------------------------

constexpr std::size_t kNone = std::string_view::npos;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// Of the value at the top.
std::size_t begin_of(std::string_view text) {
  return skip_blanks(text, text.starts_with("\xef\xbb\xbf") ? 3 : 0);
}

/// Behind the string whose first quote is at @p at; the end of the text if it never ends.
std::size_t skip_string(std::string_view text, std::size_t at) {
  const char* const end = text.data() + text.size();
  for (const char* c = text.data() + at + 1; (c = find_special(c, end)) != end; ++c) {
    if (*c == '"') return static_cast<std::size_t>(c - text.data()) + 1;
    if (*c == '\\' && ++c == end) break;
  }
  return text.size();
}

/// Behind the value that begins at @p at.
std::size_t skip_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;  // of the container that holds this scalar
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (c == ',' || is_blank(c))) {
      return at;
    }
    ++at;
  }
  return at;
}

/// One member or element, and what surrounds it.
struct Item {
  std::size_t begin = kNone;  ///< of the key, or of the element
  std::size_t value = kNone;
  std::size_t end = kNone;           ///< behind the value
  std::size_t comma_before = kNone;  ///< in front of it
  std::size_t comma_after = kNone;
};

std::string utf8(unsigned code) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | (code >> 6)), byte(0x80 | (code & 0x3F))};
  if (code < 0x10000) {
    return {byte(0xE0 | (code >> 12)), byte(0x80 | ((code >> 6) & 0x3F)),
            byte(0x80 | (code & 0x3F))};
  }
  return {byte(0xF0 | (code >> 18)), byte(0x80 | ((code >> 12) & 0x3F)),
          byte(0x80 | ((code >> 6) & 0x3F)), byte(0x80 | (code & 0x3F))};
}

/// The number that four hexadecimal digits at @p at are; -1: there are none.
int hex4(std::string_view text, std::size_t at) {
  unsigned value = 0;
  const char* const from = text.data() + std::min(at, text.size());
  const auto [end, error] =
      std::from_chars(from, text.data() + std::min(at + 4, text.size()), value, 16);
  return error == std::errc{} && end == from + 4 ? static_cast<int>(value) : -1;
}

/// Whether the JSON string @p literal, with its quotes, says @p name.
bool is_key(std::string_view literal, std::string_view name) {
  if (literal.size() < 2) return false;
  std::string_view rest = literal.substr(1, literal.size() - 2);
  if (rest.find('\\') == std::string_view::npos) return rest == name;
  while (!rest.empty()) {
    std::string letter(1, rest.front());
    std::size_t taken = 1;
    if (rest.front() == '\\' && rest.size() > 1) {
      static constexpr std::string_view kFrom = "bfnrt";
      static constexpr std::string_view kTo = "\b\f\n\r\t";
      const std::size_t known = kFrom.find(rest[1]);
      letter = known == std::string_view::npos ? rest[1] : kTo[known];
      taken = 2;
      if (rest[1] == 'u') {
        int unit = hex4(rest, 2);
        taken = 6;
        const bool is_high = unit >= 0xD800 && unit < 0xDC00 && rest.substr(6).starts_with("\\u");
        if (const int low = is_high ? hex4(rest, 8) : -1; low >= 0xDC00 && low < 0xE000) {
          unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
          taken = 12;
        }
        if (unit < 0) return false;
        letter = utf8(static_cast<unsigned>(unit));
      }
    }
    if (!name.starts_with(letter)) return false;
    name.remove_prefix(letter.size());
    rest.remove_prefix(std::min(taken, rest.size()));
  }
  return name.empty();
}

/// What a walk over the container at some place has found.
struct Walk {
  std::optional<Item> found;
  std::optional<Item> last;
  std::size_t count = 0;
  std::size_t close = 0;  ///< of the closing bracket, or of the end of the text
};

/// Walks over the object or array at @p at until @p is_wanted says so, or to its end.
template <class Wanted>
Walk walk(std::string_view text, std::size_t at, Wanted is_wanted) {
  const bool is_object = text[at] == '{';
  Walk seen;
  std::size_t comma = kNone;
  for (std::size_t next = skip_blanks(text, at + 1);; ++seen.count) {
    if (next >= text.size() || text[next] == '}' || text[next] == ']') {
      seen.close = std::min(next, text.size());
      return seen;
    }
    Item item;
    item.comma_before = comma;
    item.begin = item.value = next;
    std::string_view key;
    if (is_object) {
      const std::size_t end = skip_value(text, next);
      key = text.substr(next, end - next);
      const std::size_t colon = skip_blanks(text, end);
      item.value = skip_blanks(text, std::min(colon + 1, text.size()));
    }
    item.end = std::max(skip_value(text, item.value), next + 1);
    const std::size_t behind = skip_blanks(text, item.end);
    const bool goes_on = behind < text.size() && text[behind] == ',';
    if (goes_on) item.comma_after = comma = behind;
    seen.last = item;
    if (is_wanted(key, seen.count)) {
      seen.found = item;
      return seen;
    }
    next = goes_on ? skip_blanks(text, behind + 1) : behind;
    if (!goes_on && next < text.size() && text[next] != '}' && text[next] != ']') {
      seen.close = text.size();  // no JSON
      return seen;
    }
  }
}

Walk find(std::string_view text, std::size_t at, const PathPart& part, bool from_end) {
  if (text[at] == '{') {
    return walk(text, at,
                [&](std::string_view key, std::size_t) { return is_key(key, part.name); });
  }
  const std::optional<std::size_t> index = part.index();
  Walk seen = walk(text, at, [&](std::string_view, std::size_t i) { return index && i == *index; });
  if (part.is_last() && from_end) seen.found = seen.last;
  return seen;
}

// --- editing -------------------------------------------------------------------------------------

/// The value at the end of @p parts alone, inside the parents that it needs.
std::string with_parents(const PathPart* part, const PathPart* end, const std::string& json) {
  if (part == end) return json;
  const std::string inner = with_parents(part + 1, end, json);
  if (part->is_last()) return "[" + inner + "]";
  if (const auto index = part->index()) {
    std::string list = "[";
    for (std::size_t i = 0; i < std::min(*index, kIndexMax); ++i) list += "null,";
    return list + inner + "]";
  }
  return "{" + json_string(part->name) + ":" + inner + "}";
}

Error fault(const JsonEdit& edit, std::string_view what) {
  return Error{boost::system::error_code(EINVAL, boost::system::system_category()),
               fmt::format("changing \"{}\" of the body: {}", edit.path, what)};
}

void remove_item(std::string& text, const Item& item) {
  if (item.comma_after != kNone) {
    text.erase(item.begin, skip_blanks(text, item.comma_after + 1) - item.begin);
  } else if (item.comma_before != kNone) {
    text.erase(item.comma_before, item.end - item.comma_before);
  } else {
    text.erase(item.begin, item.end - item.begin);
  }
}

/// Puts a new last item into the container whose walk is @p seen.
Result<void> append_item(std::string& text, bool is_object, const Walk& seen, const PathPart* part,
                         const PathPart* end, const JsonEdit& edit) {
  if (seen.close >= text.size()) return fault(edit, "it is no JSON");
  for (const PathPart* below = part + 1; below != end; ++below) {
    if (below->index().value_or(0) > kIndexMax) return fault(edit, "no array has so many elements");
  }
  std::string item = with_parents(part + 1, end, edit.json);
  if (is_object) {
    item = json_string(part->name) + ":" + item;
  } else if (const auto index = part->index()) {
    if (*index > kIndexMax) return fault(edit, "no array has so many elements");
    std::string nulls;
    for (std::size_t i = seen.count; i < *index; ++i) nulls += "null,";
    item.insert(0, nulls);
  } else if (!part->is_last()) {
    return fault(edit, fmt::format("an array has no \"{}\"", part->name));
  }
  const std::size_t at = seen.last ? seen.last->end : seen.close;
  text.insert(at, (seen.last ? "," : "") + item);
  return {};
}

/// The text of the value at @p path; nullopt: there is none.
std::optional<std::string_view> value_at(std::string_view text, std::string_view path) {
  const std::vector<PathPart> parts = parse_path(path);
  std::size_t at = begin_of(text);
  for (const PathPart& part : parts) {
    if (at >= text.size() || (text[at] != '{' && text[at] != '[')) return std::nullopt;
    const Walk seen = find(text, at, part, true);
    if (!seen.found) return std::nullopt;
    at = seen.found->value;
  }
  return text.substr(at, skip_value(text, at) - at);
}

bool is_met(std::string_view text, const JsonEdit& edit) {
  const std::optional<std::string_view> value = value_at(text, edit.path);
  if (!value) return false;
  return std::any_of(edit.texts.begin(), edit.texts.end(), [&](const std::string& wanted) {
    return value->starts_with('"') ? is_key(*value, wanted) : *value == wanted;
  });
}

Result<void> apply(std::string& text, const JsonEdit& edit) {
  const bool removes = edit.kind == JsonEdit::Kind::Remove;
  const bool fills = edit.kind == JsonEdit::Kind::Fill;
  const std::vector<PathPart> parts = parse_path(edit.path);
  const PathPart* const end = parts.data() + parts.size();
  std::size_t at = begin_of(text);
  for (const PathPart* part = parts.data(); part != end; ++part) {
    if (at >= text.size()) return fault(edit, "it is no JSON");
    if (text[at] != '{' && text[at] != '[') {
      if (removes) return {};
      if (part == parts.data()) return fault(edit, "it is no JSON object");
      text.replace(at, skip_value(text, at) - at, with_parents(part, end, edit.json));
      return {};
    }
    const bool is_object = text[at] == '{';
    const Walk seen = find(text, at, *part, removes || fills);
    if (!seen.found) {
      if (removes) return {};
      return append_item(text, is_object, seen, part, end, edit);
    }
    if (part + 1 == end) {
      if (removes) {
        remove_item(text, *seen.found);
      } else if (!fills) {
        text.replace(seen.found->value, seen.found->end - seen.found->value, edit.json);
      }
      return {};
    }
    at = seen.found->value;
  }
  return {};
}

}  // namespace

std::string edit_path_fault(std::string_view path) {
  if (path.empty()) return "the path is empty";
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') {
      ++i;
    } else if (kSpecial.find(path[i]) != std::string_view::npos) {
      return fmt::format("{} has to be written \\{} in a path", path[i], path[i]);
    }
  }
  return {};
}

bool names_member(std::string_view path, std::string_view name) {
  const std::vector<PathPart> parts = parse_path(path);
  return parts.size() == 1 && parts.front().name == name;
}

std::string path_part(std::string_view name) {
  const PathPart part{std::string(name)};
  std::string out;
  if (part.index() || part.is_last() || name.starts_with(':')) out += ':';
  for (const char c : name) {
    if (c == '.' || c == '\\' || kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Result<std::string> edit_json(std::string text, const std::vector<JsonEdit>& edits) {
  for (const JsonEdit& edit : edits) {
    if (const std::string what = edit_path_fault(edit.path); !what.empty()) {
      return fault(edit, what);
    }
    if (edit.kind == JsonEdit::Kind::When) {
      if (!is_met(text, edit)) continue;
      Result<std::string> edited = edit_json(std::move(text), edit.edits);
      if (!edited) return edited;
      text = std::move(*edited);
    } else if (Result<void> done = apply(text, edit); !done) {
      return done.error();
    }
  }
  return text;
}

}  // namespace rouse::wire
