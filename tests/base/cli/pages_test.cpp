// What is made of a program's outline: completions, manuals, help.
#include "base/cli/completion.hpp"
#include "base/cli/config_page.hpp"
#include "base/cli/help_text.hpp"
#include "base/cli/man_page.hpp"
#include "base/cli/outline.hpp"
#include "base/cli/roff.hpp"
#include "base/cli/terminal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace rouse {
namespace {

using testing::HasSubstr;
using testing::Not;

CliOutline outline() {
  CliOutline all;
  all.program.name = "my-tool";
  all.program.headline = "does things";
  all.program.version = "1.2";
  all.options.push_back({{"-h", "--help"}, "", "show this help", "", "", false, false});
  CliCommandOutline run;
  run.facts.name = "run";
  run.facts.headline = "run it, don't ask [now]";
  run.facts.examples = {{"my-tool run", "it runs"},
                        {"my-tool run --socket /run/a/very/long/path/to/a/socket/somewhere.sock",
                         "the same, with a text that does not fit beside its line"}};
  run.options.push_back(
      {{"-s", "--socket"}, "SOCKET", "it's \\here", "", "MY_SOCKET", false, false});
  run.options.push_back({{"--mode"}, "fast|slow", "how [quick]", "", "", false, false});
  run.options.push_back({{"--word"}, "TEXT", "one more", "", "", false, true});
  run.arguments.push_back({{}, "FILE", "what", "", "", true, false});
  run.arguments.push_back({{}, "DIR", "where", "", "", false, true});
  all.commands.push_back(run);
  CliCommandOutline held;
  held.facts.name = "held";
  held.facts.headline = "run a program";
  held.facts.runs_program = true;
  held.arguments.push_back({{}, "COMMAND", "the program", "", "", true, false});
  all.commands.push_back(held);
  CliCommandOutline docs;
  docs.facts.name = "docs";
  docs.facts.hidden = true;
  all.commands.push_back(docs);
  CliCommandOutline help;
  help.facts.name = "help";
  help.facts.headline = "show the commands";
  help.arguments.push_back({{}, "COMMAND", "the command", "", "", false, false});
  all.commands.push_back(help);
  return all;
}

TEST(Outline, UsageSaysWhatMayBeLeftOut) {
  const CliOutline all = outline();
  EXPECT_EQ(all.commands[0].usage(), "run [OPTIONS] FILE [DIR...]");
  EXPECT_EQ(all.commands[0].options[0].usage(), "-s, --socket SOCKET");
  EXPECT_EQ(all.options[0].usage(), "-h, --help");
  EXPECT_EQ(all.shown().size(), 3U) << "one is hidden";
  EXPECT_NE(all.find("docs"), nullptr);
}

TEST(Completion, KnowsWhatAValueIs) {
  const CliOutline all = outline();
  const CliCommandOutline& run = all.commands[0];
  const auto kind = [&](const CliOption& option, const CliCommandOutline& command) {
    return value_kind(all, &command, option);
  };
  EXPECT_EQ(kind(run.options[0], run), CliValueKind::File);
  EXPECT_EQ(kind(run.options[1], run), CliValueKind::Choice);
  EXPECT_EQ(kind(run.options[2], run), CliValueKind::Anything);
  EXPECT_EQ(kind(run.arguments[1], run), CliValueKind::Folder);
  EXPECT_EQ(kind(all.commands[3].arguments[0], all.commands[3]), CliValueKind::Command);
  EXPECT_EQ(kind(all.commands[1].arguments[0], all.commands[1]), CliValueKind::Anything);
  EXPECT_THAT(choices_of(run.options[1]), testing::ElementsAre("fast", "slow"));
}

TEST(Completion, OfBash) {
  const std::string text = bash_completion(outline());
  EXPECT_THAT(text, HasSubstr("\n_my_tool() {\n"));
  EXPECT_THAT(text, HasSubstr("complete -F _my_tool my-tool\n"));
  EXPECT_THAT(text,
              HasSubstr("    'run --mode' | 'run -mode') _my_tool_words 'fast slow'; return ;;"));
  EXPECT_THAT(text, HasSubstr("'run -s' | 'run --socket' | 'run -socket') compopt -o default; "));
  EXPECT_THAT(text, HasSubstr("    held) mapfile -t COMPREPLY < <(compgen -c -- \"$cur\") ;;"));
  EXPECT_THAT(text, HasSubstr("    help) _my_tool_words 'run held help' ;;"));
}

TEST(Completion, OfZsh) {
  const std::string text = zsh_completion(outline());
  EXPECT_THAT(text, HasSubstr("  'run:run it, don'\\''t ask [now]'\n"));
  EXPECT_THAT(text, HasSubstr(R"('(-s --socket)--socket=[it'\''s \\here]:SOCKET:_files' \)"));
  EXPECT_THAT(text, HasSubstr(R"('(-s --socket)-s+[)"));
  EXPECT_THAT(text, HasSubstr(R"('(--mode)--mode=[how \[quick\]]:fast|slow:(fast slow)' \)"));
  EXPECT_THAT(text, HasSubstr("'*--word=[one more]:TEXT: ' \\"));
}

TEST(Completion, OfFish) {
  const std::string text = fish_completion(outline());
  EXPECT_THAT(text, HasSubstr(R"( -s s -l socket -r -F -d 'it\'s \\here')"));
  EXPECT_THAT(text, HasSubstr(" -l mode -x -a 'fast slow' -d 'how [quick]'"));
  EXPECT_THAT(text, HasSubstr("-a '(__fish_complete_subcommand --fcs-skip=2)'"));
}

TEST(Outline, HelpKeepsLinesToPasteWhole) {
  const CliOutline all = outline();
  const std::string text = help_text(all, all.commands[0]);
  EXPECT_THAT(text, HasSubstr("  my-tool run --socket /run/a/very/long/path/to/a/socket/"
                              "somewhere.sock\n      the same, with"));
  EXPECT_THAT(text, HasSubstr("      --mode fast|slow"));
  EXPECT_THAT(help_text(all), Not(HasSubstr("docs")));
}

TEST(Outline, TheManualHasVariablesAndWhatMayBeLeftOut) {
  const std::string page = man_page(outline(), "2026-12-01");
  EXPECT_THAT(page, HasSubstr(".TH \"MY\\-TOOL\" \"1\" \"2026-12-01\""));
  EXPECT_THAT(page, HasSubstr("\\fIFILE\\fR [\\fIDIR\\fR ...]"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fBMY_SOCKET\\fR\n"));
  EXPECT_THAT(page, HasSubstr("it\\(aqs")) << "an apostrophe begins no macro";
}

TEST(Roff, LettersAreThemselves) {
  EXPECT_EQ(roff_text("a-b \\n `--x` ~^\""), "a\\-b \\en \\fB\\-\\-x\\fR \\(ti\\(ha\\(dq");
  EXPECT_EQ(roff_text("one ` alone"), "one \\(ga alone");
  EXPECT_EQ(roff_text("\u00e4\u20ac"), "\\[u00E4]\\[u20AC]");
}

TEST(RoffPages, NoLineBecomesAMacroAndNoneIsLong) {
  RoffPage page("x", 1, "d", "s", "m");
  page.section("Part");
  page.text(".hidden is a file\n\nanother");
  page.example(".dot\n\nplain");
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word ";
  page.item("head", words);
  const std::string text = page.take();
  EXPECT_THAT(text, HasSubstr(".SH \"PART\"\n\\&.hidden is a file\n.PP\nanother\n"));
  EXPECT_THAT(text, HasSubstr("\n\\&.dot\n\\&\nplain\n"));
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  EXPECT_LE(longest, 78U);
}

TEST(Outline, TheManualOfAConfigurationHasTypesDefaultsAndExamples) {
  static constexpr std::array kTop = {
      ConfigKey{"count", KeyType::Number, "", "3", "how many", true, 1, 9},
      ConfigKey{"first", KeyType::Section, "part", "", "one part"},
      ConfigKey{"second", KeyType::Section, "part", "", "another"}};
  static constexpr std::array kPart = {
      ConfigKey{"mode", KeyType::Text, "", "", "how", false, 0, 0, "fast|slow"}};
  static constexpr std::array kSections = {ConfigSection{"top", kTop},
                                           ConfigSection{"part", kPart}};
  static constexpr ConfigTable kTable{"t", kSections};
  ConfigPage facts;
  facts.table = &kTable;
  facts.name = "my.yaml";
  std::vector<Problem> problems;
  const std::string page =
      config_man_page(facts, "count: 5\nsecond: {mode: slow}\n", "2026-12-01", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_THAT(page, HasSubstr(".TP\n\\fBcount\\fR (whole number from 1 to 9)\nhow many. Default: "
                              "\\fB3\\fR.\n.br\nExample: \\fBcount: 5\\fR\n"));
  EXPECT_THAT(page,
              HasSubstr(".SS \"first\"\nThe same below \\fBsecond\\fR.\n.TP\n\\fBmode\\fR (one of "
                        "fast, slow)\nhow (accepted, without effect yet).\n.br\nExample: "
                        "\\fBmode: slow\\fR\n"));
  EXPECT_THAT(page, Not(HasSubstr(".SS \"second\"")));
}

/// A variable of the environment, until the end of the test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ~Variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(Terminal, WithoutOneColumnsSayHowWideItIs) {
  testing::internal::CaptureStdout();
  const auto width = [](const char* columns) {
    const Variable set("COLUMNS", columns);
    return window_of_stdout().look.width;
  };
  const std::size_t good = width("72");
  const std::size_t half = width("72x");
  const std::size_t none = width("");
  const Window window = window_of_stdout();
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(good, 72U);
  EXPECT_EQ(half, 0U);
  EXPECT_EQ(none, 0U);
  EXPECT_FALSE(window.is_terminal);
  EXPECT_FALSE(window.look.colours);
}

TEST(Terminal, WithoutOnePagesFollowEachOther) {
  testing::internal::CaptureStdout();
  {
    Screen screen;
    EXPECT_TRUE(screen.draw("one\n", {}));
    EXPECT_TRUE(screen.draw("two\n", {}));
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "one\n\ntwo\n\n");
}

TEST(Terminal, APageThatIsTakenInPartsIsWrittenWhole) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const std::string page(300'000, 'x');  // more than a pipe takes at once
  std::string read;
  std::thread reader([&read, from = pipe[0]] {
    std::array<char, 4096> buffer;
    for (ssize_t n = 1; n > 0;) {
      n = ::read(from, buffer.data(), buffer.size());
      if (n > 0) read.append(buffer.data(), static_cast<std::size_t>(n));
    }
  });
  const int stdout_before = ::dup(STDOUT_FILENO);
  ::dup2(pipe[1], STDOUT_FILENO);
  ::close(pipe[1]);
  const bool done = write_stdout(page);
  ::dup2(stdout_before, STDOUT_FILENO);
  ::close(stdout_before);
  reader.join();
  ::close(pipe[0]);
  EXPECT_TRUE(done);
  EXPECT_EQ(read.size(), page.size());
}

}  // namespace
}  // namespace rouse
