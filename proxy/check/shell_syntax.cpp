#include "proxy/check/shell_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace rouse {

namespace {

using Words = std::vector<CommandWord>;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// `>`, `>>`, `<`, `2>`, `2>&1`, `&>`, with or without what they lead to.
bool is_redirection(std::string_view live) {
  if (live.starts_with("&>")) return true;
  while (!live.empty() && live.front() >= '0' && live.front() <= '9') live.remove_prefix(1);
  return live.starts_with('>') || (live.starts_with('<') && !live.starts_with("<|"));
}

bool is_chain(std::string_view live) {
  return live == "&&" || live == "||" || live == "|" || live == "|&" || live == ";" ||
         (live.size() > 1 && live.ends_with(';'));
}

/// The name before the = of NAME=value; empty: it is something else.
std::string_view assigned_name(std::string_view live) {
  const std::size_t equals = live.find('=');
  if (equals == std::string_view::npos || equals == 0 || !is_name_start(live.front())) return {};
  const std::string_view name = live.substr(0, equals);
  const bool fits = std::all_of(name.begin(), name.end(),
                                [](char c) { return is_name_start(c) || (c >= '0' && c <= '9'); });
  return fits ? name : std::string_view();
}

/// The first $NAME in @p word, or "". In double quotes a shell reads them, too.
std::string variable_in(const CommandWord& word) {
  const std::string& text = word.text;
  for (std::size_t at = word.live.find('$'); at != std::string::npos;
       at = word.live.find('$', at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() &&
           (is_name_start(text[end]) || (end > at + 1 && text[end] >= '0' && text[end] <= '9'))) {
      ++end;
    }
    if (end > at + 1) return text.substr(at, end - at);
  }
  return {};
}

bool has_substitution(const CommandWord& word) {
  for (std::size_t at = word.live.find('$'); at != std::string::npos;
       at = word.live.find('$', at + 1)) {
    if (word.text.substr(at + 1, 1) == "(") return true;
  }
  return word.live.find('`') != std::string::npos;
}

bool has_home(const CommandWord& word) {
  std::string_view live = word.live;
  if (const std::size_t equals = live.find('='); live.starts_with('-') && equals != live.npos) {
    live.remove_prefix(equals + 1);  // a shell leaves --x=~/y, too, but nobody means it
  }
  return live == "~" || live.starts_with("~/");
}

/// A star or question mark in what looks like a file's name; elsewhere they are often meant.
bool has_pattern(const CommandWord& word) {
  const std::string_view live = word.live;
  constexpr std::array<std::string_view, 4> kFiles{".gguf", ".safetensors", ".bin", ".jinja"};
  return live.find_first_of("*?") != std::string_view::npos &&
         live.find("://") == std::string_view::npos &&
         std::any_of(kFiles.begin(), kFiles.end(),
                     [live](std::string_view end) { return live.ends_with(end); });
}

bool is_shell_word(std::string_view word) {
  constexpr std::array<std::string_view, 14> kWords{"cd",    "export", "source", ".",   "exec",
                                                    "set",   "ulimit", "umask",  "if",  "for",
                                                    "while", "eval",   "unset",  "trap"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += "\"" + words[i] + "\"";
  }
  return out;
}

void add_once(std::vector<std::string>& list, const std::string& word) {
  if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
}

/// The first word: a shell's own, or a variable.
void look_at_start(const Words& words, std::vector<ShellSyntax>& found) {
  const std::string& first = words.front().text;
  if (const std::string_view name = assigned_name(words.front().live); !name.empty()) {
    // Not its value, which may be a secret.
    found.push_back(
        {true,
         fmt::format("\"{}=…\" is run as if it were the program: to set a variable before one "
                     "takes a shell, and there is none",
                     name),
         fmt::format("take it out of the command, and write env: [\"{}=…\"]", name)});
  } else if (is_shell_word(words.front().live)) {
    found.push_back({true,
                     fmt::format("\"{}\" is a word of the shell, and there is none: it is looked "
                                 "for as a program",
                                 first),
                     "write sh -c '…', and exec before the engine in it"});
  }
}

/// `&&`, `|`, `;`: more than one command.
void look_at_chain(const Words& words, std::vector<ShellSyntax>& found) {
  std::vector<std::string> chains;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& live = words[i].live;
    // A last ; alone is how find wants it.
    const bool is_finds = i + 1 == words.size() && live == ";";
    if (is_chain(live) && !is_finds) add_once(chains, words[i].text);
  }
  if (chains.empty()) return;
  found.push_back({true,
                   fmt::format("no shell reads {}: {} passed to {} as {}", listed(chains),
                               chains.size() == 1 ? "it is" : "they are", words.front().text,
                               chains.size() == 1 ? "an argument" : "arguments"),
                   "write sh -c '…', and exec before the engine in it"});
}

/// `>`, and a & at the end.
void look_at_output(const Words& words, std::vector<ShellSyntax>& found) {
  std::vector<std::string> redirections;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (is_redirection(words[i].live)) add_once(redirections, words[i].text);
  }
  if (!redirections.empty()) {
    found.push_back(
        {true,
         fmt::format("no shell reads {}: {} passed to {} as {}", listed(redirections),
                     redirections.size() == 1 ? "it is" : "they are", words.front().text,
                     redirections.size() == 1 ? "an argument" : "arguments"),
         "leave it out: rouse keeps what an engine writes (GET /logs); for a file of "
         "its own, write sh -c 'exec … > FILE 2>&1'"});
  }
  if (words.size() > 1 && words.back().live == "&") {
    found.push_back({true,
                     fmt::format("the & at the end is passed to {} as an argument: there is no "
                                 "shell",
                                 words.front().text),
                     "leave it out: rouse goes on while it runs"});
  }
}

/// What a shell would have replaced inside of words: the first of each kind.
void look_inside(const Words& words, std::vector<ShellSyntax>& found) {
  const auto first = [&](const auto& has) {
    return std::find_if(words.begin(), words.end(),
                        [&](const CommandWord& word) { return has(word); });
  };
  if (const auto it = first(has_substitution); it != words.end()) {
    found.push_back(
        {false,
         fmt::format("\"{}\" is passed as it is: no shell puts in what a command says", it->text),
         "write sh -c '…', and exec before the engine in it"});
  }
  const auto names = [](const CommandWord& word) { return !variable_in(word).empty(); };
  if (const auto it = first(names); it != words.end()) {
    const std::string name = variable_in(*it);
    found.push_back(
        {false, fmt::format("{} is passed as it is: no shell puts a variable in its place", name),
         fmt::format("write ${{env.{}}}, which rouse puts in", name.substr(1))});
  }
  if (const auto it = first(has_home); it != words.end()) {
    found.push_back({true,
                     fmt::format("the ~ of \"{}\" is passed as it is: no shell puts the home "
                                 "folder in its place",
                                 it->text),
                     "write the whole path, or ${env.HOME} for the ~"});
  }
  if (const auto it = first(has_pattern); it != words.end()) {
    found.push_back(
        {true,
         fmt::format("\"{}\" is passed as it is: no shell looks for the files that fit", it->text),
         "name the file"});
  }
}

/// sh -c takes one argument; what follows it is not part of the script.
void look_at_script(const Words& words, std::vector<ShellSyntax>& found) {
  constexpr std::array<std::string_view, 6> kShells{"sh", "bash", "dash", "ash", "zsh", "fish"};
  if (words.size() < 4 || (words[1].text != "-c" && words[1].text != "-lc")) return;
  const std::string& program = words.front().text;
  const std::string name = program.substr(program.rfind('/') + 1);
  if (std::find(kShells.begin(), kShells.end(), name) == kShells.end()) return;
  if (words[2].text.find(' ') != std::string::npos) return;
  found.push_back(
      {true,
       fmt::format("{} runs \"{}\" alone: the script is one argument, and what comes "
                   "after it is none of it",
                   name, words[2].text),
       fmt::format("put it in quotes: {} {} '{} …'", name, words[1].text, words[2].text)});
}

}  // namespace

std::vector<ShellSyntax> find_shell_syntax(const CommandWords& command) {
  std::vector<ShellSyntax> found;
  if (command.words.empty()) return found;
  // Each of these wants a shell for the whole command, and with it the rest is right.
  for (const auto& look : {look_at_start, look_at_script, look_at_chain}) {
    look(command.words, found);
    if (!found.empty()) return found;
  }
  look_at_output(command.words, found);
  look_inside(command.words, found);
  return found;
}

bool begins_in_shell(const CommandWords& command) {
  if (command.words.empty()) return false;
  const std::string& live = command.words.front().live;
  return is_shell_word(live) || !assigned_name(live).empty();
}

bool wants_shell(const CommandWord& word) {
  return has_substitution(word) || !variable_in(word).empty() || has_home(word) ||
         has_pattern(word);
}

}  // namespace rouse
