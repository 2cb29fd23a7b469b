#include "suspendd/text/json_members.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rouse::suspendd {
namespace {

TEST(JsonMembers, AreRead) {
  simdjson::dom::parser parser;
  const simdjson::padded_string json(
      std::string(R"({"text":"a\u0000b","number":-5000000000,"yes":true,"no":false})"));
  const simdjson::dom::element object = parser.parse(json).value();
  EXPECT_EQ(text_of(object, "text"), std::string("a\0b", 3));
  EXPECT_EQ(number_of(object, "number"), -5'000'000'000);
  EXPECT_TRUE(truth_of(object, "yes", false));
  EXPECT_FALSE(truth_of(object, "no", true));
}

TEST(JsonMembers, WhatIsNotThereOrOfAnotherTypeIsEmpty) {
  simdjson::dom::parser parser;
  const simdjson::padded_string json(std::string(R"({"text":"5","number":5.5,"nothing":null})"));
  const simdjson::dom::element object = parser.parse(json).value();
  for (const char* const key : {"number", "nothing", "none"}) {
    EXPECT_EQ(text_of(object, key), "") << key;
    EXPECT_EQ(number_of(object, key), 0) << key;
    EXPECT_TRUE(truth_of(object, key, true)) << key;
    EXPECT_FALSE(truth_of(object, key, false)) << key;
  }
  EXPECT_EQ(number_of(object, "text"), 0);
}

}  // namespace
}  // namespace rouse::suspendd
