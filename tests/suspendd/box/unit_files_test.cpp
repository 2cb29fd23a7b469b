#include "suspendd/box/unit_files.hpp"

#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace rouse::suspendd {
namespace {

using test::GeneratedTree;
using testing::ElementsAre;

TEST(UnitFiles, AListIsClearedByAnEmptyAssignment) {
  const std::vector<Assignment> settings{
      {"A", "x  y", ""}, {"B", "1", ""}, {"A", "", ""}, {"A", "z  z2", ""}};
  EXPECT_THAT(list_setting(settings, "A"), ElementsAre("z", "z2"));
  EXPECT_EQ(last_setting(settings, "B"), "1");
  EXPECT_EQ(last_setting(settings, "C"), "");
}

TEST(UnitFiles, TheHighestFolderHasTheFileAndAllHaveDropIns) {
  const GeneratedTree tree;
  tree.file("/usr/lib/systemd/system/a.service", "[Service]\nUser = lib\nGroup=lib\n");
  tree.file("/etc/systemd/system/a.service", "[Service]\nUser = etc\n");
  tree.file("/usr/lib/systemd/system/a.service.d/20-x.conf", "Nice=1\n");
  tree.file("/run/systemd/system/a.service.d/10-x.conf", "Nice=2\n");
  tree.file("/etc/systemd/system/a.service.d/30-x.conf.bak", "Nice=3\n");
  const auto settings = unit_settings(tree.root(), "a.service");
  EXPECT_EQ(last_setting(settings, "User"), "etc");
  EXPECT_EQ(last_setting(settings, "Group"), "");
  EXPECT_EQ(last_setting(settings, "Nice"), "1");
}

}  // namespace
}  // namespace rouse::suspendd
