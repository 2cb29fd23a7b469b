#include "proxy/check/shell_syntax.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> found_in(const std::string& command) {
  std::vector<std::string> list;
  for (const ShellSyntax& each : find_shell_syntax(read_command(command))) {
    list.push_back(std::string(each.fatal ? "fatal: " : "") + each.what + " -> " + each.todo);
  }
  return list;
}

TEST(ShellSyntax, WordsKnowWhatAShellWouldRead) {
  const CommandWords command = read_command(R"(a'$b'"$c*"\$d e)");
  ASSERT_EQ(command.words.size(), 2U);
  EXPECT_EQ(command.words[0].text, "a$b$c*$d");
  EXPECT_EQ(command.words[0].live, "a\1\1$\1\1\1d");
  EXPECT_EQ(command.open_quote, 0);
  EXPECT_EQ(read_command("\"$HOME\"").words[0].live, "$\1\1\1\1");
  EXPECT_EQ(read_command("a 'b c").open_quote, '\'');
  EXPECT_EQ(read_command("a \"b c").open_quote, '"');
  EXPECT_EQ(read_command("a \"b\\\" c").open_quote, '"');
  EXPECT_EQ(read_command("a 'b \" c'").open_quote, 0);
}

TEST(ShellSyntax, IsNamedWithItsRemedy) {
  EXPECT_THAT(found_in("cd /opt/llama && ./llama-server --port 1"),
              ElementsAre("fatal: \"cd\" is a word of the shell, and there is none: it is looked "
                          "for as a program -> write sh -c '…', and exec before the engine in it"));
  EXPECT_THAT(found_in("x --a 1; y | tee log"),
              ElementsAre("fatal: no shell reads \"1;\" and \"|\": they are passed to x as "
                          "arguments -> write sh -c '…', and exec before the engine in it"));
  EXPECT_THAT(found_in("x --port 1 > log 2>&1 &"),
              ElementsAre("fatal: no shell reads \">\" and \"2>&1\": they are passed to x as "
                          "arguments -> leave it out: rouse keeps what an engine writes (GET "
                          "/logs); for a file of its own, write sh -c 'exec … > FILE 2>&1'",
                          "fatal: the & at the end is passed to x as an argument: there is no "
                          "shell -> leave it out: rouse goes on while it runs"));
  EXPECT_THAT(found_in("x -m /models/*.gguf"),
              ElementsAre("fatal: \"/models/*.gguf\" is passed as it is: no shell looks for the "
                          "files that fit -> name the file"));
  EXPECT_THAT(found_in("x -m ~/a.gguf"),
              ElementsAre("fatal: the ~ of \"~/a.gguf\" is passed as it is: no shell puts the home "
                          "folder in its place -> write the whole path, or ${env.HOME} for the ~"));
  EXPECT_THAT(found_in("x -m \"$HOME/a.gguf\""),
              ElementsAre("$HOME is passed as it is: no shell puts a variable in its place -> "
                          "write ${env.HOME}, which rouse puts in"));
  EXPECT_THAT(found_in("x --key `cat /key`"),
              ElementsAre("\"`cat\" is passed as it is: no shell puts in what a command says -> "
                          "write sh -c '…', and exec before the engine in it"));
  EXPECT_THAT(found_in("x --key $(cat"),
              ElementsAre("\"$(cat\" is passed as it is: no shell puts in what a command says -> "
                          "write sh -c '…', and exec before the engine in it"));
  EXPECT_THAT(found_in("sh -c exec x --port 1"),
              ElementsAre("fatal: sh runs \"exec\" alone: the script is one argument, and what "
                          "comes after it is none of it -> put it in quotes: sh -c 'exec …'"));
}

TEST(ShellSyntax, AValueBeforeTheProgramIsNotShown) {
  EXPECT_THAT(
      found_in("API_KEY=secret x --port 1"),
      ElementsAre("fatal: \"API_KEY=…\" is run as if it were the program: to set a variable "
                  "before one takes a shell, and there is none -> take it out of the "
                  "command, and write env: [\"API_KEY=…\"]"));
}

TEST(ShellSyntax, WhatIsMeantIsLeftAlone) {
  for (const char* const command :
       {"sh -c 'cd /opt && exec x -m *.gguf > log 2>&1 &'", "x --cors * --allow *.example.com",
        R"(x --chat-template-kwargs '{"a": "$b > c | d; ~"}')", R"(x --p "a > b && c" \> \| \&)",
        "x --url http://h/?a=b&c=d", "find /x -exec rm {} ;", "x --pattern a|b --x=1",
        "x --token <|im_start|>", "x --url http://h/*.gguf", "a.b=1 c", "x --price 5$",
        "x -m models/a.gguf --a=b", "bash -lc 'exec x' y", "x --user~ me", ""}) {
    EXPECT_THAT(found_in(command), IsEmpty()) << command;
  }
}

TEST(ShellSyntax, KnowsWhatNamesNoFile) {
  const auto wants = [](const std::string& word) {
    return wants_shell(read_command(word).words.front());
  };
  EXPECT_TRUE(wants("~/a.gguf"));
  EXPECT_TRUE(wants("--model=~/a.gguf"));
  EXPECT_TRUE(wants("$M"));
  EXPECT_TRUE(wants("*.gguf"));
  EXPECT_FALSE(wants("'*.gguf'"));
  EXPECT_FALSE(wants("/a.gguf"));
}

}  // namespace
}  // namespace rouse
