#include "base/yaml/scan.hpp"

#include <algorithm>

namespace rouse {

namespace {

constexpr std::size_t kShownMax = 72;
constexpr std::string_view kSpaces = " \t\r";

bool ends_a_token(std::string_view text, std::size_t at) {
  return at >= text.size() || text[at] == ' ' || text[at] == '\t' || text[at] == '\n' ||
         text[at] == '\r';
}

class YamlScanner {
 public:
  YamlScanner(std::string_view text, std::size_t end)
      : text_(text), end_(std::min(end, text.size())) {}

  YamlScan run() {
    while (at_ < end_) {
      if (at_line_start_) begin_line();
      if (at_ < end_) step();
    }
    return std::move(scan_);
  }

 private:
  void begin_line() {
    at_line_start_ = false;
    const std::size_t first = text_.find_first_not_of(' ', at_);
    if (first == std::string_view::npos) {
      at_ = end_;
      return;
    }
    const std::size_t indent = first - at_;
    at_ = first;
    if (!scan_.open.empty()) return;
    const bool is_blank = text_[at_] == '\n' || text_[at_] == '\r';
    // A plain value goes on in lines that are indented further than its key.
    const bool goes_on = in_plain_ && (is_blank || indent > indent_);
    if (goes_on) return;
    in_plain_ = false;
    if (!is_blank) indent_ = indent;
    token_start_ = true;
  }

  void step() {
    const char c = text_[at_];
    if (c == '\n') {
      ++at_;
      at_line_start_ = true;
      return;
    }
    if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
      return;
    }
    const bool after_blank = at_ == 0 || ends_a_token(text_, at_ - 1);
    if (c == '#' && after_blank) return skip_line();
    if (scan_.open.empty()) {
      token_start_ && !in_plain_ ? take_token(c) : take_plain(c);
    } else {
      take_flow(c);
    }
  }

  void take_token(char c) {
    if ((c == '-' || c == '?') && ends_a_token(text_, at_ + 1)) {
      ++at_;
    } else if (c == '&' || c == '!') {
      while (at_ < end_ && !ends_a_token(text_, at_)) ++at_;
    } else if (c == '"' || c == '\'') {
      take_quoted();
      token_start_ = false;
    } else if (c == '[' || c == '{') {
      scan_.open.push_back({c, at_++});
      flow_start_ = true;
    } else if (c == '|' || c == '>') {
      skip_block();
    } else {
      token_start_ = false;
      in_plain_ = true;
    }
  }

  void take_plain(char c) {
    ++at_;
    if (c != ':' || !ends_a_token(text_, at_)) return;
    token_start_ = true;
    in_plain_ = false;
  }

  void take_flow(char c) {
    if (flow_start_ && (c == '"' || c == '\'')) {
      flow_start_ = false;
      return take_quoted();
    }
    if (c == '[' || c == '{') {
      scan_.open.push_back({c, at_});
    } else if (c == ']' || c == '}') {
      if (scan_.open.back().kind == (c == ']' ? '[' : '{')) scan_.open.pop_back();
      token_start_ = false;
    }
    flow_start_ = c == '[' || c == '{' || c == ',' || c == ':';
    ++at_;
  }

  void take_quoted() {
    scan_.quote = {at_, end_of_quoted(text_, at_)};
    at_ = std::min(end_, scan_.quote->end);
  }

  void skip_line() {
    const std::size_t end = text_.find('\n', at_);
    at_ = std::min(end_, end);
  }

  /// The lines of a block are indented further than its key, or blank.
  void skip_block() {
    skip_line();
    token_start_ = false;
    while (at_ < end_) {
      const std::size_t line = at_ + 1;
      const std::size_t first = text_.find_first_not_of(' ', line);
      if (first == std::string_view::npos) {
        at_ = end_;
        return;
      }
      const bool is_blank = text_[first] == '\n' || text_[first] == '\r';
      if (!is_blank && first - line <= indent_) return;
      at_ = first;
      skip_line();
    }
  }

  std::string_view text_;
  std::size_t end_;
  std::size_t at_ = 0;
  std::size_t indent_ = 0;  // of the line in which the value in hand began
  bool at_line_start_ = true;
  bool token_start_ = true;  // outside brackets: a value or a key may begin
  bool flow_start_ = false;  // the same, inside
  bool in_plain_ = false;
  YamlScan scan_;
};

}  // namespace

YamlScan scan_yaml(std::string_view text, std::size_t end) {
  return YamlScanner(text, end).run();
}

std::size_t end_of_quoted(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      const bool is_doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!is_doubled) return at + 1;
      ++at;
    }
  }
  return std::string_view::npos;
}

std::optional<YamlKeyLine> key_of_line(std::string_view line) {
  YamlKeyLine key;
  std::size_t at = indent_of(line);
  while (at < line.size() && line[at] == '-' && ends_a_token(line, at + 1)) {
    key.in_list = true;
    at = std::min(line.find_first_not_of(kSpaces, at + 1), line.size());
  }
  if (at >= line.size()) return std::nullopt;
  key.indent = at;
  const bool is_quoted = line[at] == '"' || line[at] == '\'';
  if (is_quoted) {
    const std::size_t end = end_of_quoted(line, at);
    if (end == std::string_view::npos) return std::nullopt;
    key.name = line.substr(at + 1, end - at - 2);
    at = end;
    if (at >= line.size() || line[at] != ':' || !ends_a_token(line, at + 1)) return std::nullopt;
  } else {
    const std::size_t begin = at;
    while (at < line.size() && !(line[at] == ':' && ends_a_token(line, at + 1))) {
      if (std::string_view(" \t{}[],&*#|>@`\"'").find(line[at]) != std::string_view::npos) {
        return std::nullopt;
      }
      ++at;
    }
    if (at == begin || at >= line.size() || line[begin] == '-') return std::nullopt;
    key.name = line.substr(begin, at - begin);
  }
  key.colon = at;
  key.value = without_comment(line.substr(at + 1));
  return key;
}

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_entry_at(std::string_view line, std::size_t at) {
  return line.substr(at).starts_with("- ") || line.substr(at) == "-";
}

bool says_something(std::string_view line) {
  const std::size_t first = line.find_first_not_of(kSpaces);
  return first != std::string_view::npos && line[first] != '#';
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string in_yaml_quotes(std::string_view text) {
  if (text.size() > kShownMax) return {};
  if (text.find_first_of("\"\\") == std::string_view::npos) return "\"" + std::string(text) + "\"";
  if (text.find('\'') == std::string_view::npos) return "'" + std::string(text) + "'";
  return {};
}

std::string_view without_comment(std::string_view text) {
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    if (at != 0 && text[at - 1] != ' ' && text[at - 1] != '\t') continue;
    text = text.substr(0, at);
    break;
  }
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace rouse
