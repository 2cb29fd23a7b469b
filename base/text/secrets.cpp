#include "base/text/secrets.hpp"

#include "base/text/ascii.hpp"

#include <algorithm>
#include <array>

namespace rouse {

namespace {

constexpr std::size_t kValueLeast = 4;
constexpr std::array<std::string_view, 9> kSecretEnds = {"key",        "keys",       "token",
                                                         "secret",     "password",   "passwd",
                                                         "passphrase", "credential", "credentials"};
constexpr std::string_view kShortToken = "-hft";  // llama.cpp's --hf-token

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_quote(char c) {
  return c == '"' || c == '\'';
}

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

/// The end of the word that begins at @p at: blanks between quotes belong to it.
std::size_t word_end(std::string_view text, std::size_t at) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (is_quote(c)) {
      quote = c;
    } else if (is_blank(c)) {
      break;
    }
  }
  return at;
}

/// Writes a text anew, word by word.
class Hider {
 public:
  explicit Hider(std::vector<std::string>* values) : values_(values) {}

  std::string run(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (is_blank(text[at])) {
        out_ += text[at++];
        continue;
      }
      const std::size_t end = word_end(text, at);
      take(text.substr(at, end - at));
      at = end;
    }
    return std::move(out_);
  }

 private:
  void take(std::string_view word) {
    const bool is_option = word.starts_with('-');
    if (is_next_ && !is_option) {
      is_next_ = false;
      return hide(word);
    }
    is_next_ = (is_option && word.find('=') == word.npos && is_secret_name(word)) ||
               equal_to(word, "bearer");
    put(word);
  }

  /// A word of which a part may be secret; one in quotes may hold words itself.
  void put(std::string_view word) {
    if (word.size() >= 2 && is_quote(word.front()) && word.back() == word.front() &&
        word.find_first_of(" \t") != word.npos) {
      out_ += word.front();
      out_ += Hider(values_).run(word.substr(1, word.size() - 2));
      out_ += word.back();
      return;
    }
    std::size_t done = 0;
    for (std::size_t at = 0; at < word.size(); ++at) {
      if (word[at] == '=' && names_secret(word, at)) {
        const std::size_t end = value_end(word, at + 1);
        out_ += word.substr(done, at + 1 - done);
        hide(word.substr(at + 1, end - at - 1));
        done = at = end;
      } else if (word.substr(at).starts_with("://")) {
        const auto [from, to] = password_in(word, at + 3);
        if (from == to) continue;
        out_ += word.substr(done, from - done);
        hide(word.substr(from, to - from));
        done = at = to;
      }
    }
    if (done < word.size()) out_ += word.substr(done);
  }

  static bool equal_to(std::string_view word, std::string_view small) {
    while (!word.empty() && is_quote(word.front())) word.remove_prefix(1);
    return to_lower(word) == small;
  }

  static bool names_secret(std::string_view word, std::size_t equals) {
    std::size_t begin = equals;
    while (begin > 0 && is_name_letter(word[begin - 1])) --begin;
    return is_secret_name(word.substr(begin, equals - begin));
  }

  static std::size_t value_end(std::string_view word, std::size_t at) {
    const std::size_t end = std::min(word.find('&', at), word.size());
    // The quote that closes what was opened before the name.
    const bool closes = end > at && is_quote(word[end - 1]) && !is_quote(word[at]);
    return closes ? end - 1 : end;
  }

  /// Where the password of an authority that begins at @p at stands; two equal places: it has none.
  static std::pair<std::size_t, std::size_t> password_in(std::string_view word, std::size_t at) {
    const std::string_view authority = word.substr(at, word.substr(at).find_first_of("/?#\"' "));
    const std::size_t end = authority.rfind('@');
    if (end == authority.npos) return {at, at};
    const std::size_t colon = authority.substr(0, end).find(':');
    return colon == authority.npos ? std::pair(at, at) : std::pair(at + colon + 1, at + end);
  }

  void hide(std::string_view value) {
    const bool is_quoted =
        value.size() >= 2 && is_quote(value.front()) && value.back() == value.front();
    const std::string_view bare = is_quoted ? value.substr(1, value.size() - 2) : value;
    if (bare.empty()) {
      out_ += value;
      return;
    }
    if (values_ != nullptr) values_->emplace_back(bare);
    out_ += kHidden;
  }

  std::vector<std::string>* values_;
  std::string out_;
  bool is_next_ = false;  // the word before says that this one is a secret
};

}  // namespace

bool is_secret_name(std::string_view name) {
  if (name == kShortToken) return true;
  // "apiKey", "HF_TOKEN", "x-api-key": by its last part, where one is told apart.
  const std::string low = to_lower(name);
  for (const std::string_view end : kSecretEnds) {
    if (!low.ends_with(end)) continue;
    const std::size_t at = low.size() - end.size();
    const bool begins = at == 0 || low[at - 1] == '_' || low[at - 1] == '-' || low[at - 1] == '.';
    const bool is_camel = at > 0 && name[at] >= 'A' && name[at] <= 'Z';
    const bool is_run_on = low.ends_with("apikey") || end == "password" || end == "secret";
    if (begins || is_camel || is_run_on) return true;
  }
  return false;
}

std::string hide_secrets(std::string_view text, std::vector<std::string>* values) {
  return Hider(values).run(text);
}

std::vector<std::string> secret_values(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    const bool is_bare = word.find_first_of(" \t\r\n") == word.npos;
    const char quote = word.find('\'') == word.npos ? '\'' : '"';
    text += is_bare ? word : quote + word + quote;
    text += ' ';
  }
  std::vector<std::string> values;
  (void)hide_secrets(text, &values);
  return values;
}

std::string hide_values(std::string text, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (value.size() < kValueLeast) continue;
    for (std::size_t at = text.find(value); at != std::string::npos;
         at = text.find(value, at + kHidden.size())) {
      text.replace(at, value.size(), kHidden);
    }
  }
  return text;
}

}  // namespace rouse
