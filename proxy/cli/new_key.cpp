#include "proxy/cli/new_key.hpp"

#include "base/service/log.hpp"
#include "base/text/sha256.hpp"
#include "proxy/config/config.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

namespace rouse {

namespace {

constexpr std::string_view kPrefix = "sk-rouse-";  // some clients refuse what has no sk-
constexpr std::size_t kLetters = 43;               // log2(62) * 43 = 256

/// Letters and digits, each as likely as the others; empty: no randomness to be had.
std::string random_letters(std::size_t count) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned kFair = 256 / kAlphabet.size() * kAlphabet.size();
  std::string out;
  while (out.size() < count) {
    unsigned char byte = 0;
    if (RAND_bytes(&byte, 1) != 1) return {};
    if (byte < kFair) out += kAlphabet[byte % kAlphabet.size()];
  }
  return out;
}

}  // namespace

Result<NewKey> make_key(std::string_view name) {
  if (!is_key_name(name)) {
    return Error{make_error_code(boost::system::errc::invalid_argument),
                 fmt::format("naming a key \"{}\" (letters, digits, . _ and -, 64 at most, and not "
                             "apiKeys)",
                             for_log(name, 64))};
  }
  const std::string letters = random_letters(kLetters);
  if (letters.empty()) {
    return Error{make_error_code(boost::system::errc::io_error), "getting random bytes"};
  }
  NewKey made;
  made.key = std::string(kPrefix) + letters;
  made.yaml = fmt::format(
      "keys:\n"
      "  \"{}\":\n"
      "    sha256: {}\n"
      "    scopes: [infer, observe]   # also: control, wake, list, captures\n"
      "    models: [\"*\"]\n",
      name, hex_of(sha256(made.key)));
  return made;
}

std::string new_key_text(const NewKey& made) {
  return fmt::format(
      "The key. It is shown this once and kept nowhere:\n\n  {}\n\n"
      "For the configuration, from which the key cannot be learned:\n\n{}",
      made.key, made.yaml);
}

}  // namespace rouse
