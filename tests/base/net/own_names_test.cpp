#include "base/net/own_names.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

const OwnNames& names() {
  static const OwnNames list =
      own_names("Box", "127.0.0.1 localhost\n192.168.1.5 box.home box other.home # evil.example\n",
                "search fritz.box lan. ; no.example\nnameserver 1.1.1.1\n");
  return list;
}

TEST(OwnNames, AreThoseThatThisMachineGivesItself) {
  EXPECT_THAT(names(), UnorderedElementsAre("box", "box.local", "box.home", "other.home",
                                            "box.fritz.box", "box.lan"));
  EXPECT_THAT(own_names("box.example.net", "", ""),
              UnorderedElementsAre("box", "box.local", "box.example.net"));
  EXPECT_THAT(own_names("", "127.0.0.1 x.example", "search example.net"), IsEmpty());
}

TEST(OwnNames, OfABlockListAreNone) {
  EXPECT_THAT(own_names("box", "127.0.0.1 localhost box\n127.0.0.1 ads.example\n", ""),
              Not(Contains("ads.example")));
}

TEST(OwnNames, OfThisMachineHoldWhereItListens) {
  EXPECT_THAT(look_up_own_names("LLM.example.net"), Contains("llm.example.net"));
}

TEST(OwnNames, AreTheNameInAField) {
  EXPECT_EQ(name_in_host("Box.Example.NET.:8080"), "box.example.net");
  EXPECT_EQ(name_in_host("[FE80::1]:80"), "[fe80::1]");
  EXPECT_TRUE(is_own_host("box.lan:1", names()));
  EXPECT_FALSE(is_own_host("box.lan.evil.example", names()));
}

}  // namespace
}  // namespace rouse
