#include "proxy/config/command_line.hpp"

namespace rouse {

namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed_right(std::string_view line) {
  const std::size_t last = line.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

/// A backslash at the end of a line, blanks behind it aside, joins it with the next, if there is
/// one.
std::string joined_lines(const std::string& text) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const std::string_view bare = trimmed_right(line);
    if (bare.ends_with('\\')) {
      out += bare.substr(0, bare.size() - 1);
      out += ' ';
    } else {
      out += line;
      if (end != std::string_view::npos) out += '\n';
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return out;
}

/// Reads one command; each function takes what its name says and moves on.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : rest_(text) {}

  CommandWords read() {
    while (!rest_.empty()) take();
    end_word();
    return std::move(found_);
  }

 private:
  void take() {
    const char c = next();
    if (c == ' ' || c == '\t' || c == '\n') return end_word();
    in_word_ = true;
    if (c == '\'') return take_single_quoted();
    if (c == '"') return take_double_quoted();
    if (c != '\\') {
      add(c, c);
    } else if (!rest_.empty()) {
      const char escaped = next();
      if (escaped != '\n') add(escaped, kPlain);
    }
  }

  void take_single_quoted() {
    while (!rest_.empty()) {
      const char c = next();
      if (c == '\'') return;
      add(c, kPlain);
    }
    found_.open_quote = '\'';
  }

  void take_double_quoted() {
    while (!rest_.empty()) {
      const char c = next();
      if (c == '"') return;
      if (c != '\\' || rest_.empty()) {
        add(c, c == '$' || c == '`' ? c : kPlain);
        continue;
      }
      const char escaped = next();
      if (escaped == '\n') continue;
      if (std::string_view("$`\"\\").find(escaped) == std::string_view::npos) add('\\', kPlain);
      add(escaped, kPlain);
    }
    found_.open_quote = '"';
  }

  void add(char letter, char live) {
    word_.text += letter;
    word_.live += live;
  }

  void end_word() {
    if (in_word_) found_.words.push_back(std::move(word_));
    word_ = {};
    in_word_ = false;
  }

  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  static constexpr char kPlain = '\1';

  std::string_view rest_;
  CommandWord word_;
  bool in_word_ = false;
  CommandWords found_;
};

}  // namespace

std::string without_comment_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t first = line.find_first_not_of(" \t");
    const bool is_comment = first != std::string_view::npos && line[first] == '#';
    if (!is_comment) {
      out += line;
      if (end != std::string_view::npos) out += '\n';
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

CommandWords read_command(std::string_view text) {
  const std::string joined = joined_lines(without_comment_lines(text));
  return Splitter(joined).read();
}

std::vector<std::string> split_command(std::string_view text) {
  std::vector<std::string> words;
  for (CommandWord& word : read_command(text).words) words.push_back(std::move(word.text));
  return words;
}

}  // namespace rouse
