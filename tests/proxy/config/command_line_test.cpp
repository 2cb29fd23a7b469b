#include "proxy/config/command_line.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CommandLine, SplitsAsAShellWouldWithoutOne) {
  EXPECT_THAT(split_command("a  b\tc\nd"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(split_command(""), IsEmpty());
  EXPECT_THAT(split_command("  \n "), IsEmpty());
  EXPECT_THAT(split_command("a ''\"\" b"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_command("'a b'\"c d\"e"), ElementsAre("a bc de"));
  EXPECT_THAT(split_command(R"('a\b' "a\b" "a\"b" a\ b)"),
              ElementsAre(R"(a\b)", R"(a\b)", "a\"b", "a b"));
  EXPECT_THAT(split_command("\"\\$x \\` \\\\ \\n\""), ElementsAre("$x ` \\ \\n"));
  EXPECT_THAT(split_command("a 'open b"), ElementsAre("a", "open b"));
  EXPECT_THAT(split_command("$HOME * ~ | ;"), ElementsAre("$HOME", "*", "~", "|", ";"));
}

TEST(CommandLine, LinesContinueAndCommentsGo) {
  EXPECT_THAT(split_command("run \\\n  --a \\  \n--b"), ElementsAre("run", "--a", "--b"));
  EXPECT_THAT(split_command("run\n  # --a b\n --c # d"), ElementsAre("run", "--c", "#", "d"));
  EXPECT_THAT(split_command("run --a \\"), ElementsAre("run", "--a")) << "the last line, too";
  EXPECT_THAT(split_command("run --a\\ "), ElementsAre("run", "--a"));
  EXPECT_THAT(split_command("run --a \\\n"), ElementsAre("run", "--a"));
  EXPECT_THAT(split_command("run --a \\\n# --b"), ElementsAre("run", "--a"));
  EXPECT_EQ(without_comment_lines("a\n # b\nc\n"), "a\nc\n");
}

}  // namespace
}  // namespace rouse
