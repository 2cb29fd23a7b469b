#include "base/yaml/fault.hpp"

#include "base/yaml/layout.hpp"
#include "base/yaml/place.hpp"
#include "base/yaml/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace rouse {

namespace {

constexpr std::size_t kPieceMax = 40;

// Each knows one kind of mistake, and returns nothing when it is another.

std::optional<YamlFault> open_quote_fault(const YamlPlace& p) {
  const std::optional<YamlScan::Quote> quote = scan_yaml(p.text()).quote;
  const bool is_open = quote && quote->end == std::string_view::npos;
  if (!p.has_said("EOF in scalar") || !is_open) return std::nullopt;
  const std::size_t number = p.line_at(quote->begin);
  return p.fault(number, quote->begin - p.offset(number) + 1,
                 fmt::format("the quote ({}) that begins here is never closed: put another at the "
                             "end of the text",
                             p.text()[quote->begin]));
}

std::optional<YamlFault> conflict_fault(const YamlPlace& p) {
  if (p.has_said("document indicator")) {
    return p.fault(p.number(), 1,
                   "a quoted text cannot go on in a line that begins with --- or ...: is a "
                   "quote missing above?");
  }
  for (std::size_t number = 1; number <= p.number(); ++number) {
    if (!p.line(number).starts_with("<<<<<<< ") && !p.line(number).starts_with(">>>>>>> "))
      continue;
    return p.fault(number, 1,
                   "git has left a merge conflict here: keep one side, and remove the "
                   "lines <<<<<<<, ======= and >>>>>>>");
  }
  return std::nullopt;
}

std::optional<YamlFault> tab_fault(const YamlPlace& p) {
  const std::string_view whole = p.line(p.number());
  const std::size_t tab = whole.substr(0, whole.find_first_not_of(" \t")).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return p.fault(p.number(), tab + 1,
                 "a tab indents this line, and YAML takes spaces only: put spaces in its place");
}

std::optional<YamlFault> first_letter_fault(const YamlPlace& p) {
  if (!p.has_said("unknown token")) return std::nullopt;
  if (p.line(p.number()).starts_with("```")) {
    return p.fault(p.number(), 1,
                   "this line is Markdown, not part of the configuration: remove it");
  }
  const std::string_view value = p.value_from(p.column() - 1);
  if (value.empty()) return std::nullopt;
  return p.fault(p.number(), p.column(), p.without_quotes(value));
}

std::optional<YamlFault> anchor_fault(const YamlPlace& p) {
  const bool is_undefined = p.has_said("the referenced anchor is not defined");
  if (!is_undefined && !p.has_said("anchor") && !p.has_said("alias")) return std::nullopt;
  const std::string_view whole = p.line(p.number());
  std::size_t begin = whole.find_last_of("*&", p.column() - 1);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view name =
      whole.substr(begin + 1, whole.find_first_of(" ,]}", begin) - begin - 1);
  const bool is_name = !name.empty() && name.find_first_of(".*?/\\[") == std::string_view::npos;
  if (is_undefined && is_name) {
    return p.fault(
        p.number(), begin + 1,
        fmt::format("no anchor &{} is set above this line (a text that begins with * must "
                    "be in quotes)",
                    name));
  }
  const std::optional<YamlKeyLine> key = key_of_line(whole);
  const bool begins_earlier = key && (key->value.starts_with('*') || key->value.starts_with('&'));
  if (begins_earlier) begin = whole.find(key->value, key->colon);
  return p.fault(p.number(), begin + 1, p.without_quotes(p.value_from(begin)));
}

std::optional<YamlFault> behind_bar_fault(const YamlPlace& p) {
  if (!p.has_said("block scalar")) return std::nullopt;
  const std::size_t bar = p.line(p.number()).find_last_of("|>", p.column() - 1);
  if (bar == std::string_view::npos) return std::nullopt;
  return p.fault(
      p.number(), bar + 1,
      fmt::format("behind {} the text begins in the next line, indented further than its "
                  "key: nothing else may stand here",
                  p.line(p.number())[bar]));
}

std::optional<YamlFault> escape_fault(const YamlPlace& p) {
  const bool is_hex = p.has_said("scanning hex number");
  if (!is_hex && !p.has_said("unknown escape character")) return std::nullopt;
  const std::string_view before = p.line(p.number()).substr(0, p.column() - 1);
  const std::size_t slash = before.rfind('\\');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view pair = p.line(p.number()).substr(slash, 2);
  return p.fault(p.number(), slash + 1,
                 fmt::format("in double quotes {} means {}: write \\{}, or use single quotes", pair,
                             is_hex ? "a character by its number" : "nothing", pair));
}

std::optional<YamlFault> dash_fault(const YamlPlace& p) {
  const bool is_dash = p.has_said("illegal block entry");
  if (!is_dash && !p.has_said("illegal map key")) return std::nullopt;
  const std::string_view value = p.rest();
  if (!is_dash) {
    return p.fault(p.number(), p.column(),
                   fmt::format("a text cannot begin with \"? \": {}", p.put_in_quotes(value)));
  }
  return p.fault(
      p.number(), p.column(),
      fmt::format("a list does not begin behind its key: begin it in the next line; if it is "
                  "meant as a text, {}",
                  p.put_in_quotes(value)));
}

std::optional<YamlFault> wrong_end(const YamlPlace& p, std::size_t place) {
  if (place >= p.text().size()) return std::nullopt;
  const char end = p.text()[place];
  const std::vector<YamlScan::Bracket> open = scan_yaml(p.text(), place).open;
  if (open.empty()) {
    return p.fault(
        p.number(), p.column(),
        fmt::format("this {} closes nothing: remove it, or put quotes around the value", end));
  }
  const std::size_t number = p.line_at(open.back().at);
  return p.fault(p.number(), p.column(),
                 fmt::format("this {} closes nothing: the {} in line {} wants a {}", end,
                             open.back().kind, number, open.back().kind == '[' ? ']' : '}'));
}

std::optional<YamlFault> flow_fault(const YamlPlace& p) {
  const std::size_t place = std::min(p.offset(p.number()) + p.column() - 1, p.text().size());
  if (p.has_said("illegal flow end")) return wrong_end(p, place);
  if (!p.has_said("flow not found")) return std::nullopt;
  const std::vector<YamlScan::Bracket> never = scan_yaml(p.text()).open;
  std::vector<YamlScan::Bracket> open = scan_yaml(p.text(), place).open;
  if (open.empty()) open = never;  // at its end, the parser has no place
  if (open.empty()) return std::nullopt;
  const bool is_macro =
      place > 0 && place < p.text().size() && p.text().substr(place - 1, 2) == "${";
  if (is_macro) {
    return p.fault(p.number(), p.column() - 1,
                   "${ must be in quotes between { } or [ ]: put quotes around the whole value");
  }
  const YamlScan::Bracket& inner = open.back();
  const bool is_never_closed = std::any_of(never.begin(), never.end(),
                                           [&](const auto& each) { return each.at == inner.at; });
  if (!is_never_closed) {
    const std::size_t word = p.line(p.number()).find_last_of(" \t,", p.column() - 1);
    return p.fault(p.number(), word == std::string_view::npos ? p.column() : word + 2,
                   "a comma is missing before this place, or the value before it needs quotes");
  }
  const std::size_t number = p.line_at(inner.at);
  return p.fault(number, inner.at - p.offset(number) + 1,
                 fmt::format("this {} is never closed: a {} is missing behind what it begins",
                             inner.kind, inner.kind == '[' ? ']' : '}'));
}

std::optional<YamlFault> behind_quotes_fault(const YamlPlace& p) {
  const std::size_t place = std::min(p.offset(p.number()) + p.column() - 1, p.text().size());
  const std::optional<YamlScan::Quote> quote = scan_yaml(p.text(), place).quote;
  if (!quote || quote->end == std::string_view::npos || quote->end > place) return std::nullopt;
  const std::string_view between = p.text().substr(quote->end, place - quote->end);
  if (between.find_first_not_of(" \t") != std::string_view::npos) return std::nullopt;
  const std::size_t number = p.line_at(quote->begin);
  const std::size_t column = quote->begin - p.offset(number) + 1;
  if (number != p.number()) {
    return p.fault(
        number, column,
        fmt::format("the quote that begins here is closed in line {} only: is one missing "
                    "at the end of this line?",
                    p.number()));
  }
  const std::optional<YamlKeyLine> key = key_of_line(p.line(p.number()));
  return p.fault(
      p.number(), p.column(),
      fmt::format("the value ends with the closing quote, and {} follows: put quotes of the "
                  "other kind around all of it, or write \"{}: |\" and the text in the next "
                  "line, indented further",
                  p.is_shown() ? "\"" + shortened(p.rest()) + "\"" : std::string("more"),
                  key ? key->name : "KEY"));
}

std::optional<YamlFault> behind_brackets_fault(const YamlPlace& p) {
  if (!p.has_said("not found")) return std::nullopt;
  const std::optional<YamlKeyLine> key = key_of_line(p.line(p.number()));
  if (!key || key->colon + 1 >= p.column() || key->value.empty()) return std::nullopt;
  const char first = key->value.front();
  if (first == ',') {
    return p.fault(
        p.number(), p.column(),
        fmt::format("a value cannot begin with a comma: {}", p.put_in_quotes(key->value)));
  }
  if (first != '{' && first != '[') return std::nullopt;
  return p.fault(
      p.number(), key->colon + 1 + p.line(p.number()).substr(key->colon + 1).find(first) + 1,
      fmt::format("a value that begins with {} is {} in YAML, and text follows behind it: "
                  "to have it as a text, {}",
                  first, first == '{' ? "a mapping" : "a list", p.put_in_quotes(key->value)));
}

}  // namespace

YamlFault explain_yaml_fault(std::string_view text, int line, int column, std::string_view said) {
  const YamlPlace place(text, line, column, said);
  for (const auto& look : {open_quote_fault, conflict_fault, tab_fault, first_letter_fault,
                           anchor_fault, behind_bar_fault, escape_fault, dash_fault, flow_fault,
                           behind_quotes_fault, behind_brackets_fault, layout_fault}) {
    if (auto fault = look(place)) return *fault;
  }
  return place.fault(place.number(), place.column(),
                     fmt::format("YAML cannot be read on from here: look at this line and the "
                                 "one above it ({})",
                                 said));
}

bool is_about_secrets(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  for (const std::string_view word : {"key", "token", "secret", "passw", "auth", "webhook", "url",
                                      "header", "sha256", "secureon", "body"}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

std::string explain_lost_line(std::string_view line, std::string_view above, int line_above,
                              bool is_shown) {
  const std::string_view whole = without_comment(line);
  if (!is_shown) return "this line is no key: a key has a colon, and a space behind it";
  const std::size_t colon = whole.find(':');
  const std::string_view word = whole.substr(0, whole.find_first_of(" \t:"));
  const bool is_name = !word.empty() && word.find_first_of("-/$\"'{}[]<>=") != 0 &&
                       word.find('=') == std::string_view::npos;
  if (is_name && colon == word.size() && !whole.substr(colon).starts_with("://")) {
    return fmt::format("a space is missing behind the colon of \"{}:\"", word);
  }
  if (!above.empty()) {
    return fmt::format(
        "\"{}\" is no key: if it goes on with \"{}\" from line {}, indent it "
        "further than that{}",
        shortened(whole), above, line_above,
        is_name ? fmt::format("; if it is a key, write {}:", word) : "");
  }
  if (!is_name) return fmt::format("\"{}\" is no key: a key has a colon", shortened(whole));
  return fmt::format("a colon is missing behind \"{}\"", word);
}

std::string shortened(std::string_view text) {
  if (text.size() <= kPieceMax) return std::string(text);
  std::size_t end = kPieceMax;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace rouse
