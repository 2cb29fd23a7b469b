#include "base/text/json_writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace rouse {
namespace {

TEST(JsonWriter, PutsCommasBetweenAndNowhereElse) {
  JsonWriter json;
  json.begin_object();
  json.key("a");
  json.begin_array();
  json.end_array();
  json.key("b");
  json.begin_array();
  json.value(1);
  json.begin_object();
  json.end_object();
  json.null();
  json.end_array();
  json.member("c", true);
  json.member("d", "e");
  json.key("f");
  json.raw(R"({"g":1})");
  json.end_object();
  EXPECT_EQ(json.take(), R"({"a":[],"b":[1,{},null],"c":true,"d":"e","f":{"g":1}})");
}

TEST(JsonWriter, WritesNumbersThatJsonHas) {
  JsonWriter json;
  json.begin_array();
  json.value(std::numeric_limits<std::int64_t>::min());
  json.value(std::numeric_limits<std::uint64_t>::max());
  json.value(1.5);
  json.value(std::numeric_limits<double>::infinity());
  json.value(std::numeric_limits<double>::quiet_NaN());
  json.end_array();
  EXPECT_EQ(json.take(), "[-9223372036854775808,18446744073709551615,1.500,null,null]");
}

TEST(JsonString, EscapesWhatMustBe) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\b/"), R"("a\"b\\c\n\r\t\u0008/")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
}

TEST(JsonString, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(json_string("\xc2\x9b[\xc2\x80\xc2\xa0"), "\"\\u009b[\\u0080\xc2\xa0\"")
      << "a terminal obeys them";
  const std::string good = "\xC3\xA9 \xE2\x82\xAC \xED\x9F\xBF \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF";
  EXPECT_EQ(json_string(good), '"' + good + '"');
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(json_string("a\xFFz"), "\"a" + mark + "z\"");
  EXPECT_EQ(json_string("\xC3"), '"' + mark + '"');                        // cut
  EXPECT_EQ(json_string("\xC0\xAF"), '"' + mark + mark + '"');             // overlong
  EXPECT_EQ(json_string("\xED\xA0\x80"), '"' + mark + mark + mark + '"');  // surrogate
  EXPECT_EQ(json_string("\xE0\x80\x80"), '"' + mark + mark + mark + '"');  // overlong
  EXPECT_EQ(json_string("\xF0\x80\x80\x80"), '"' + mark + mark + mark + mark + '"');
  EXPECT_EQ(json_string("\xF4\x90\x80\x80"), '"' + mark + mark + mark + mark + '"');
  EXPECT_EQ(json_string("\xE2\x82z"), '"' + mark + mark + "z\"");
}

}  // namespace
}  // namespace rouse
