#include "base/text/ascii.hpp"

#include "base/text/did_you_mean.hpp"
#include "base/text/sha256.hpp"
#include "base/text/utf8.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

TEST(Ascii, KnowsItsLettersAndDigits) {
  EXPECT_EQ(to_lower("AZaz09-\xc3\x84"), "azaz09-\xc3\x84") << "no others are changed";
  EXPECT_EQ(trim(" \t\r\na b\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_TRUE(is_digits("0123456789"));
  EXPECT_FALSE(is_digits(""));
  EXPECT_FALSE(is_digits("1a"));
  EXPECT_EQ(hex_digit('9'), 9);
  EXPECT_EQ(hex_digit('f'), 15);
  EXPECT_EQ(hex_digit('F'), 15);
  EXPECT_EQ(hex_digit('g'), -1);
  EXPECT_EQ(hex_digit('G'), -1);
}

TEST(DidYouMean, CountsWhatIsWrong) {
  const std::vector<std::string> names{"models", "log-level", "ab"};
  EXPECT_EQ(did_you_mean("mdoels", names), "models") << "two letters changed places: one fault";
  EXPECT_EQ(did_you_mean("dya", {"day"}), "day");
  EXPECT_EQ(did_you_mean("LogLevel", names), "log-level");
  EXPECT_EQ(did_you_mean("l-o-g", {"log"}), "log") << "dashes do not count";
  EXPECT_EQ(did_you_mean("ax", names), "ab") << "one may always be wrong";
  EXPECT_EQ(did_you_mean("xy", names), "") << "of two letters not both";
  EXPECT_EQ(did_you_mean("mode", names), "models") << "enough of a longer one";
  EXPECT_EQ(did_you_mean("lo", names), "");
  EXPECT_EQ(did_you_mean("x", {"y"}), "") << "nothing of it is there";
}

TEST(Utf8, KnowsLettersAndNothingElse) {
  const auto length = [](std::string_view text) { return utf8_length(text); };
  EXPECT_EQ(length("a"), 1U);
  EXPECT_EQ(length("\xc3\xa4x"), 2U);
  EXPECT_EQ(length("\xe2\x82\xac"), 3U);
  EXPECT_EQ(length("\xf0\x9f\x98\x80"), 4U);
  for (const std::string_view none :
       {"", "\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82(",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_EQ(length(none), 0U) << none;
  }
  EXPECT_EQ(utf8_count("a\xc3\xa4\xe2\x82\xac"), 3U);
  for (const std::uint32_t code : {0x41U, 0xE4U, 0x20ACU, 0x1F600U}) {
    std::string out;
    append_utf8(out, code);
    EXPECT_EQ(length(out), out.size()) << code;
  }
  std::string smile;
  append_utf8(smile, 0x1F600);
  EXPECT_EQ(smile, "\xf0\x9f\x98\x80");
}

TEST(Sha256, IsReadAsItIsWritten) {
  const Sha256 digest = sha256("abc");
  EXPECT_EQ(hex_of(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(parse_sha256(hex_of(digest)), digest);
  std::string hex = hex_of(digest);
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{63}}) {
    std::string wrong = hex;
    wrong[at] = 'x';
    EXPECT_FALSE(parse_sha256(wrong)) << at;
  }
  EXPECT_FALSE(parse_sha256(hex.substr(1)));
  Sha256 other = digest;
  EXPECT_TRUE(equal_in_constant_time(digest, other));
  other.back() ^= 1;
  EXPECT_FALSE(equal_in_constant_time(digest, other));
}

}  // namespace
}  // namespace rouse
