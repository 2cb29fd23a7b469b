#include "suspendd/box/root.hpp"

#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace rouse::suspendd {
namespace {

using test::GeneratedTree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Root, APrefixEndsWithoutASlash) {
  EXPECT_EQ(Root("/a/b//").path("/sys"), "/a/b/sys");
  EXPECT_EQ(Root("/").prefix(), "") << "that is the machine itself";
}

TEST(Root, ReadsWholeFilesWordsAndNumbers) {
  const GeneratedTree tree;
  const Root root = tree.root();
  std::string text;
  for (int line = 0; line < 20'000; ++line) text += std::to_string(line) + "\n";
  tree.file("/proc/long", text);
  EXPECT_EQ(*root.read("/proc/long"), text);
  tree.file("/sys/a", " \t up \n");
  EXPECT_EQ(*root.read_word("/sys/a"), "up");
  for (const auto& [written, number] : {std::pair{"17\n", 17}, {"-5", -5}, {"0x1f\n", 31}}) {
    tree.file("/sys/n", written);
    EXPECT_EQ(*root.read_number("/sys/n"), number) << written;
  }
  for (const char* none : {"", "12 kB", "0x", "up"}) {
    tree.file("/sys/n", none);
    ASSERT_FALSE(root.read_number("/sys/n")) << none;
    EXPECT_THAT(root.read_number("/sys/n").error().message(), HasSubstr("not a number"));
  }
  EXPECT_EQ(root.read("/sys/none").error().code, boost::system::errc::no_such_file_or_directory);
}

TEST(Root, WritesOverWhatIsThereAndMakesNothing) {
  const GeneratedTree tree;
  const Root root = tree.root();
  EXPECT_FALSE(root.write("/sys/a", "on"));
  EXPECT_FALSE(root.exists("/sys/a"));
  tree.file("/sys/a", "disabled\n");
  EXPECT_TRUE(root.write("/sys/a", "on"));
  EXPECT_EQ(tree.text("/sys/a"), "on");
}

TEST(Root, ListsNamesInTheirOrder) {
  const GeneratedTree tree;
  for (const char* name : {"/sys/c", "/sys/a", "/sys/d", "/sys/b"}) tree.file(name, "");
  EXPECT_THAT(tree.root().list("/sys"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(tree.root().list("/none"), IsEmpty());
}

TEST(Root, FollowsLinksWithinTheTreeOnly) {
  const GeneratedTree tree;
  tree.folder("/top/sys/devices/card");
  tree.link("/top/sys/class/card", "/top/sys/devices/card");
  tree.folder("/top-of-others/card");
  tree.link("/top/sys/class/out", "/top-of-others/card");
  const Root root(tree.at("/top"));
  EXPECT_EQ(root.resolve("/sys/class/card"), "/sys/devices/card");
  EXPECT_EQ(root.link("/sys/class/card"), "../devices/card");
  EXPECT_EQ(root.link("/sys/devices/card"), "");
  EXPECT_EQ(root.resolve("/sys/class/out"), "");
  EXPECT_EQ(root.resolve("/sys/class/none"), "");
  EXPECT_EQ(Root().resolve("/proc/../proc"), "/proc");
}

}  // namespace
}  // namespace rouse::suspendd
