#include "base/log.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using namespace std::string_view_literals;

TEST(ForLog, KeepsATextOnOneLineAndShort) {
  EXPECT_EQ(for_log("plain ü"), "plain ü");
  EXPECT_EQ(for_log("a\nb\x1b\x7f\0c"sv), "a\\x0ab\\x1b\\x7f\\x00c");
  EXPECT_EQ(for_log("abc", 3), "abc");
  EXPECT_EQ(for_log("abcd", 3), "abc…");
}

}  // namespace
}  // namespace rouse
