#include "base/cli/command_line.hpp"

#include "base/cli/arguments.hpp"
#include "base/cli/help_text.hpp"
#include "tests/support/temp_dir.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A program with one command of each kind, which notes what it was told.
class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    CLI::App& serve = line_.add({.name = "serve", .headline = "run it", .act = [this] {
                                   ran_ = "serve";
                                   return 5;
                                 }});
    CLI::Option* const plain = serve.add_option("FILE", config_, "what to serve");
    serve.add_option("-c,--config", config_, "what to serve")->type_name("FILE")->excludes(plain);
    serve.add_option("-l,--listen", listen_, "where")->type_name("ADDRESS");
    serve.add_flag("--watch-config", watch_, "look");
    CLI::App& key = line_.add({.name = "key", .headline = "make a key", .act = [this] {
                                 ran_ = "key " + name_;
                                 return 0;
                               }});
    key.add_option("NAME", name_, "of it")->required();
    CLI::App& held = line_.add(
        {.name = "held", .headline = "run a program", .runs_program = true, .act = [this] {
           ran_ = "held";
           return 0;
         }});
    held.add_option("--why", why_, "for whoever asks")->type_name("TEXT");
    held.add_option("COMMAND", argv_, "the program")->required();
    line_.everywhere().add_flag("--json", json_, "for scripts");
    line_.add_help_and_version();
  }

  int run(std::vector<const char*> words) {
    words.insert(words.begin(), "tool");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = line_.run(static_cast<int>(words.size()), words.data());
    out_ = testing::internal::GetCapturedStdout();
    said_ = testing::internal::GetCapturedStderr();
    return status;
  }

  std::vector<std::string> words_of(const std::vector<std::string>& words) const {
    return read_arguments(line_.outline(), words).words;
  }

  CommandLine line_{{.name = "tool",
                     .headline = "does things",
                     .version = "1.2",
                     .default_command = "serve",
                     .first_steps = {{"tool serve x", "begin"}}}};
  std::string ran_, config_, listen_, name_, why_, out_, said_;
  std::vector<std::string> argv_;
  bool watch_ = false;
  bool json_ = false;
};

TEST_F(CommandLineTest, RunsTheCommandAndReturnsItsStatus) {
  EXPECT_EQ(run({"serve", "x.yaml"}), 5);
  EXPECT_EQ(ran_, "serve");
  EXPECT_EQ(config_, "x.yaml");
  EXPECT_EQ(said_, "");
}

TEST_F(CommandLineTest, TakesLongOptionsWithOneDashAsGoDoes) {
  EXPECT_EQ(run({"serve", "-config", "f", "-listen=:80", "-watch-config"}), 5);
  EXPECT_EQ(config_, "f");
  EXPECT_EQ(listen_, ":80");
  EXPECT_TRUE(watch_);
  EXPECT_EQ(run({"serve", "-watch-config=false", "--config=g", "-json"}), 5);
  EXPECT_FALSE(watch_);
  EXPECT_TRUE(json_);
  EXPECT_EQ(config_, "g");
}

TEST_F(CommandLineTest, TakesShortOptionsInEveryForm) {
  EXPECT_THAT(words_of({"serve", "-c=f", "-l", ":80"}),
              ElementsAre("serve", "-c", "f", "-l", ":80"));
  EXPECT_EQ(run({"serve", "-cf", "-l:80"}), 5);
  EXPECT_EQ(config_, "f");
  EXPECT_EQ(listen_, ":80");
}

TEST_F(CommandLineTest, MeansTheDefaultCommandByItsOptions) {
  EXPECT_EQ(run({"-config", "f", "-listen", ":80"}), 5);
  EXPECT_EQ(ran_, "serve");
  EXPECT_EQ(config_, "f");
}

TEST_F(CommandLineTest, TakesOptionsBeforeTheCommand) {
  EXPECT_EQ(run({"-json", "key", "me"}), 0);
  EXPECT_EQ(ran_, "key me");
  EXPECT_TRUE(json_);
  EXPECT_EQ(run({"-c", "key", "serve"}), 5) << "a value that is called like a command is none";
  EXPECT_EQ(config_, "key");
}

TEST_F(CommandLineTest, LetsTheLastOfTwoValuesCount) {
  EXPECT_EQ(run({"serve", "-c", "f", "--config", "g"}), 5);
  EXPECT_EQ(config_, "g");
}

TEST_F(CommandLineTest, LeavesTheProgramOfACommandAlone) {
  EXPECT_EQ(run({"held", "-why", "x", "make", "-json", "-c", "--version"}), 0);
  EXPECT_EQ(why_, "x");
  EXPECT_THAT(argv_, ElementsAre("make", "-json", "-c", "--version"));
  EXPECT_FALSE(json_);
  EXPECT_EQ(run({"held", "--", "make", "--", "-why=y"}), 0);
  EXPECT_THAT(argv_, ElementsAre("make", "--", "-why=y"));
  EXPECT_EQ(why_, "x");
}

TEST_F(CommandLineTest, SaysItsVersionInEveryWay) {
  for (const char* word : {"--version", "-V", "-version", "version"}) {
    EXPECT_EQ(run({word}), 0) << word;
    EXPECT_EQ(out_, "tool 1.2\n") << word;
  }
  EXPECT_EQ(run({"-config", "f", "-version"}), 0);
  EXPECT_EQ(out_, "tool 1.2\n");
  EXPECT_EQ(ran_, "");
}

TEST_F(CommandLineTest, HelpsInEveryWay) {
  for (const char* word : {"--help", "-h", "-help", "help"}) {
    EXPECT_EQ(run({word}), 0) << word;
    EXPECT_EQ(out_, help_text(line_.outline())) << word;
  }
  const std::string of_key = help_text(line_.outline(), *line_.outline().find("key"));
  EXPECT_THAT(of_key, HasSubstr("Usage: tool key NAME"));
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"help", "key"}, {"key", "--help"}, {"key", "-h"}, {"-h", "key"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_EQ(out_, of_key);
  }
}

TEST_F(CommandLineTest, ShowsTheFirstStepsToOneWhoSaysNothing) {
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(said_,
            "tool 1.2: does things\n\n  tool serve x  begin\n\n`tool help` lists all commands.\n");
}

TEST_F(CommandLineTest, GuessesWhatACommandWasMeantToBe) {
  EXPECT_EQ(run({"serv"}), 2);
  EXPECT_EQ(
      said_,
      "tool: unknown command \"serv\"; did you mean serve?\n  `tool help` lists the commands\n");
  EXPECT_EQ(run({"bogus"}), 2);
  EXPECT_EQ(said_, "tool: unknown command \"bogus\"\n  `tool help` lists the commands\n");
  EXPECT_EQ(run({"help", "serv"}), 2);
  EXPECT_THAT(said_, HasSubstr("did you mean serve?"));
  EXPECT_EQ(run({"--json", "serv"}), 2);
  EXPECT_THAT(said_, HasSubstr("did you mean serve?"));
}

TEST_F(CommandLineTest, TellsHowAFileIsServed) {
  test::TempDir dir;
  std::ofstream(dir / "x.yaml") << "a: 1\n";
  const std::string file = dir / "x.yaml";
  EXPECT_EQ(run({file.c_str()}), 2);
  EXPECT_EQ(said_, "tool: unknown command \"" + file +
                       "\"\n  a configuration is run by: tool serve " + file + "\n");
}

TEST_F(CommandLineTest, GuessesWhatAnOptionWasMeantToBe) {
  EXPECT_EQ(run({"serve", "--lisen", ":80"}), 2);
  EXPECT_EQ(said_,
            "tool serve: unknown option --lisen; did you mean --listen?\n"
            "  `tool help serve` shows what it takes\n");
  EXPECT_EQ(run({"-lisen", ":80", "-config", "f"}), 2);
  EXPECT_EQ(said_,
            "tool: unknown option -lisen; did you mean --listen?\n"
            "  `tool help` lists the commands\n");
  EXPECT_EQ(run({"key", "me", "--why", "x"}), 2);
  EXPECT_EQ(said_,
            "tool key: unknown option --why, which is one of: held\n"
            "  `tool help key` shows what it takes\n");
  EXPECT_EQ(run({"--why", "x"}), 2);
  EXPECT_THAT(said_, HasSubstr("--why without a command; it is one of: held\n  tool held --why\n"));
  EXPECT_EQ(run({"serve", "--lsiten=:80"}), 2);
  EXPECT_THAT(said_, HasSubstr("did you mean --listen?")) << "its value is no part of its name";
}

TEST_F(CommandLineTest, TwoDashesAloneAreNoOption) {
  EXPECT_EQ(run({"--"}), 2);
  EXPECT_EQ(said_, "tool: which command?\n  `tool help` lists the commands\n");
}

TEST_F(CommandLineTest, WhatIsHiddenIsTakenAndNotShown) {
  CommandLine line({.name = "tool", .headline = "does things", .version = "1.2"});
  std::string old;
  CLI::App& serve = line.add({.name = "serve", .headline = "run it", .act = [] { return 0; }});
  serve.add_option("--old", old, "of another program")->type_name("X")->group("");
  const std::array<const char*, 4> words{"tool", "serve", "--old", "1"};
  EXPECT_EQ(line.run(4, words.data()), 0);
  EXPECT_EQ(old, "1");
  const CliOutline all = line.outline();
  EXPECT_THAT(help_text(all, all.commands.front()), testing::Not(HasSubstr("--old")));
  EXPECT_EQ(all.commands.front().hidden_options.size(), 1U);
}

TEST_F(CommandLineTest, SaysWhatIsMissingAndWhatIsTooMuch) {
  const std::string see = "\n  `tool help key` shows what it takes\n";
  EXPECT_EQ(run({"key"}), 2);
  EXPECT_EQ(said_, "tool key: NAME is missing" + see);
  EXPECT_EQ(run({"key", "a", "b"}), 2);
  EXPECT_EQ(said_, "tool key: \"b\" is one argument too many" + see);
  EXPECT_EQ(run({"serve", "--config"}), 2);
  EXPECT_THAT(said_, HasSubstr("tool serve: --config wants a value\n"));
  EXPECT_EQ(run({"serve", "f", "-c", "g"}), 2);
  EXPECT_THAT(said_, HasSubstr("cannot both be given\n"));
  EXPECT_EQ(run({"--json"}), 2);
  EXPECT_THAT(said_, HasSubstr("tool: which command?\n  `tool help` lists the commands\n"));
  EXPECT_EQ(ran_, "");
}

TEST_F(CommandLineTest, NoLineOfHelpIsWiderThanAWindow) {
  line_.add(
      {.name = "long",
       .headline = "one with much to say, so much that it does not fit on a line of a window",
       .about = std::string(30, 'x') + " " + std::string(30, 'y') + " " + std::string(30, 'z')});
  const CliOutline outline = line_.outline();
  std::string all = short_help(outline) + help_text(outline);
  for (const CliCommandOutline& command : outline.commands) all += help_text(outline, command);
  std::size_t begin = 0;
  while (begin < all.size()) {
    const std::size_t end = all.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << all.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace rouse
