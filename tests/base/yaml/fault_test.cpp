#include "base/yaml/fault.hpp"

#include "base/yaml/bytes.hpp"
#include "base/yaml/scan.hpp"
#include "base/yaml/tree.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> told(const std::string& text) {
  std::vector<Problem> problems;
  (void)read_yaml(text, "f", problems);
  std::vector<std::string> list;
  for (const Problem& problem : problems) list.push_back(problem.str());
  return list;
}

struct YamlCase {
  const char* name;
  const char* text;
  const char* told;  // the one message, whole
};

void PrintTo(const YamlCase& each, std::ostream* out) {
  *out << each.name;
}

class YamlFaults : public testing::TestWithParam<YamlCase> {};

TEST_P(YamlFaults, AreToldInAPersonsWords) {
  EXPECT_THAT(told(GetParam().text), ElementsAre(GetParam().told));
}

constexpr YamlCase kCases[] = {
    {"Tab", "models:\n\ta:\n\t\tcmd: x\n",
     "f:2:1: a tab indents this line, and YAML takes spaces only: put spaces in its place"},
    {"TabAfterBlanks", "models:\n  a:\n    cmd: x\n\tttl: 5\n",
     "f:4:1: a tab indents this line, and YAML takes spaces only: put spaces in its place"},
    {"TabInABlock", "models:\n  a:\n    cmd: |\n\tfoo\n",
     "f:4:1: a tab indents this line, and YAML takes spaces only: put spaces in its place"},
    {"TabBeforeAnEntry", "hooks:\n  on_startup:\n    preload:\n\t- a\n",
     "f:4:1: a tab indents this line, and YAML takes spaces only: put spaces in its place"},
    {"SevenForEight", "models:\n    a:\n        cmd: x\n       ttl: 5\n",
     "f:4:8: indented by 7 spaces, like no line above: 8 would put it beside \"cmd\" in line "
     "3, 4 beside \"a\" in line 2"},
    {"ThreeForFour", "models:\n    a:\n        cmd: x\n   b:\n        cmd: y\n",
     "f:4:4: indented by 3 spaces, like no line above: 4 would put it beside \"a\" in line "
     "2, 0 beside \"models\" in line 1"},
    {"NineForEight", "models:\n    a:\n        cmd: x\n         ttl: 5\n",
     "f:4:10: indented by 9 spaces, deeper than \"cmd\" in line 3, which has its value "
     "already: 8 would put it beside that key"},
    {"DeeperThanAList", "models:\n    a:\n        aliases: [b]\n         ttl: 5\n",
     "f:4:10: indented by 9 spaces, like no line above: 8 would put it beside \"aliases\" in "
     "line 3"},
    {"KeysBelowAValue", "models:\n  a: x\n    cmd: y\n",
     "f:3:5: indented by 4 spaces, deeper than \"a\" in line 2, which has its value already: "
     "2 would put it beside that key"},
    {"EntryNotInLine", "preload:\n  - a\n - b\n",
     "f:3:2: indented by 1 space, like no line above: 2 would put it beside the entry in "
     "line 2, 0 beside \"preload\" in line 1"},
    {"Json",
     "models:\n  a:\n    cmd: llama-server --chat-template-kwargs {\"a\": false} --port "
     "${PORT}\n",
     "f:3:50: \": \" inside of a value begins a key in YAML, also within { }: write \"cmd: "
     "|\" and the text in the next line, indented further; and for the program put the JSON "
     "in single quotes: '{\"a\": false}'"},
    {"JsonInQuotes",
     "models:\n  a:\n    cmd: llama-server --chat-template-kwargs '{\"a\": false}' --port "
     "${PORT}\n",
     "f:3:51: \": \" inside of a value begins a key in YAML, also within { }: write \"cmd: "
     "|\" and the text in the next line, indented further"},
    {"JsonInALaterLine",
     "models:\n  a:\n    cmd: llama-server\n      --x {\"a\": false}\n      --port ${PORT}\n",
     "f:4:15: \": \" inside of a value begins a key in YAML, also within { }: write \"cmd: "
     "|\" and the text in the next line, indented further; and for the program put the JSON "
     "in single quotes: '{\"a\": false}'"},
    {"BeginsWithABrace", "models:\n  a:\n    cmd: {\"a\": false} x\n",
     "f:3:10: a value that begins with { is a mapping in YAML, and text follows behind it: "
     "to have it as a text, put quotes around it: '{\"a\": false} x'"},
    {"ColonInACommand", "models:\n  a:\n    cmd: docker run -e X: y\n",
     "f:3:25: \": \" inside of a value begins a key in YAML: put quotes around it: cmd: "
     "\"docker run -e X: y\""},
    {"ColonInAText", "models:\n  a:\n    description: Note: fast\n",
     "f:3:22: \": \" inside of a value begins a key in YAML: put quotes around it: "
     "description: \"Note: fast\""},
    {"QuoteNeverClosed",
     "models:\n  a:\n    cmd: \"llama --port ${PORT}\n    ttl: 5\n  b:\n    cmd: x\n",
     "f:3:10: models.a.cmd: the quote (\") that begins here is never closed: put another at the "
     "end of the text"},
    {"QuoteNeverClosedInBraces", "models: {a: {cmd: \"llama",
     "f:1:19: the quote (\") that begins here is never closed: put another at the end of the "
     "text"},
    {"QuoteClosedLater",
     "models:\n  a:\n    cmd: \"llama --port ${PORT}\n    ttl: \"5\"\n  b:\n    cmd: x\n",
     "f:3:10: the quote that begins here is closed in line 4 only: is one missing at the end "
     "of this line?"},
    {"TextBehindQuotes", "models:\n  a:\n    cmd: \"llama server\" --port ${PORT}\n    ttl: 5\n",
     "f:3:25: the value ends with the closing quote, and \"--port ${PORT}\" follows: put "
     "quotes of the other kind around all of it, or write \"cmd: |\" and the text in the "
     "next line, indented further"},
    {"OpenBracket", "models:\n  a:\n    aliases: [a, b\n    cmd: x\n",
     "f:3:14: this [ is never closed: a ] is missing behind what it begins"},
    {"OpenBrace", "models: {a: {cmd: x}\nlogLevel: info\n",
     "f:1:9: this { is never closed: a } is missing behind what it begins"},
    {"BracketTooMany", "models:\n  a:\n    aliases: [a]]\n",
     "f:3:17: this ] closes nothing: remove it, or put quotes around the value"},
    {"WrongBracket", "a: [b, c}\n", "f:1:9: this } closes nothing: the [ in line 1 wants a ]"},
    {"MissingComma", "models: {a: {cmd: x ttl: 5}}\n",
     "f:1:21: a comma is missing before this place, or the value before it needs quotes"},
    {"At", "models:\n  a:\n    name: @foo\n",
     "f:3:11: a text cannot begin with @ without quotes: \"@foo\""},
    {"Percent", "models:\n  a:\n    name: %foo\n",
     "f:3:11: a text cannot begin with % without quotes: \"%foo\""},
    {"Backtick", "models:\n  a:\n    cmd: `which x`\n",
     "f:3:10: a text cannot begin with ` without quotes: \"`which x`\""},
    {"Star", "upstream:\n  ignorePaths:\n    - *.js\n",
     "f:3:7: a text cannot begin with * without quotes: \"*.js\""},
    {"StarInAList", "models: {a: {aliases: [*]}}\n",
     "f:1:24: a text cannot begin with * without quotes: \"*\""},
    {"NoSuchAnchor", "models:\n  a:\n    <<: *base\n",
     "f:3:9: no anchor &base is set above this line (a text that begins with * must be in "
     "quotes)"},
    {"Ampersand", "matrix:\n  sets:\n    s: &a & b\n",
     "f:3:8: a text cannot begin with & without quotes: \"&a & b\""},
    {"Directive", "%foo\na: b\n",
     "f:1:1: a line that begins with % is an order to YAML, and not one that it knows: "
     "remove it, or put quotes around the text"},
    {"TextBehindABar", "models:\n  a:\n    cmd: | llama\n",
     "f:3:10: behind | the text begins in the next line, indented further than its key: "
     "nothing else may stand here"},
    {"ListBehindAKey", "models:\n  a:\n    cmd: - x\n",
     "f:3:10: a list does not begin behind its key: begin it in the next line; if it is "
     "meant as a text, put quotes around it: \"- x\""},
    {"QuestionMark", "models:\n  a:\n    name: ? x\n",
     "f:3:11: a text cannot begin with \"? \": put quotes around it: \"? x\""},
    {"NameWithoutColon", "models:\n  a\n    cmd: x\n", "f:2:3: a colon is missing behind \"a\""},
    {"KeyWithoutColon", "models:\n  a:\n    cmd x\n    ttl: 5\n",
     "f:3:5: a colon is missing behind \"cmd\""},
    {"LastKeyWithoutColon", "models:\n  a:\n    cmd: x\n    ttl 5\n",
     "f:4:5: models.a: \"ttl 5\" is no key: if it goes on with \"cmd\" from line 3, indent "
     "it further than that; if it is a key, write ttl:"},
    {"NoBlank", "models:\n  a:\n    cmd:x\n    ttl: 5\n",
     "f:3:5: a space is missing behind the colon of \"cmd:\""},
    {"NoBlankInTheLastLine", "models:\n  a:\n    ttl: 5\n    cmd:x\n",
     "f:4:5: models.a: a space is missing behind the colon of \"cmd:\""},
    {"Escape", "models:\n  a:\n    cmd: \"C:\\models\\x\"\n",
     "f:3:13: in double quotes \\m means nothing: write \\\\m, or use single quotes"},
    {"TwiceTheSame", "a: 1\na: 2\n",
     "f:2:1: a: this key was already given in line 1: keep one of them"},
    {"ListAndKeys", "models:\n  - a\n  b: c\n",
     "f:3:3: an entry of a list (\"- \") and a key cannot stand side by side: the one above "
     "is in line 2"},
    {"BlockNotIndented", "models:\n  a:\n    cmd: |\n    llama\n    ttl: 5\n",
     "f:4:5: \"llama\" is no key: if it goes on with \"cmd\" from line 3, indent it further "
     "than that; if it is a key, write llama:"},
    {"BlockThatEndsEarly", "models:\n  a:\n    cmd: |\n      llama\n    --port 5\n    ttl: 5\n",
     "f:5:5: \"--port 5\" is no key: if it goes on with \"cmd\" from line 3, indent it "
     "further than that"},
    {"CommandGoesOnAtTheMargin", "models:\n  a:\n    cmd: llama\n    --port ${PORT}\n    ttl: 5\n",
     "f:4:5: \"--port ${PORT}\" is no key: if it goes on with \"cmd\" from line 3, indent it "
     "further than that"},
    {"AndEndsThere", "models:\n  a:\n    cmd: llama\n    --port ${PORT}\n",
     "f:4:5: models.a: \"--port ${PORT}\" is no key: if it goes on with \"cmd\" from line 3, "
     "indent it further than that"},
    {"TwoDocuments", "a: b\n...\nc: d\n",
     "f:3:1: the configuration has ended above this line: remove what follows, or what ends "
     "it"},
    {"DocumentInQuotes", "a: \"b\n--- c\n\"\n",
     "f:2:1: a quoted text cannot go on in a line that begins with --- or ...: is a quote "
     "missing above?"},
    {"NoBreakSpace", "models:\n\u00a0\u00a0a:\n    cmd: x\n",
     "f:2:1: this line begins with a space that is none to YAML (copied from a page or a "
     "word processor?): put a plain one in its place"},
    {"WideColon", "models\uff1a\n  a: b\n",
     "f:1:7: this is a wide colon (U+FF1A): write : and a space"},
    {"MergeConflict", "<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> x\n",
     "f:1:1: git has left a merge conflict here: keep one side, and remove the lines "
     "<<<<<<<, ======= and >>>>>>>"},
    {"Toml", "[models.a]\ncmd = \"x\"\n",
     "f:2:1: the configuration has ended with the ] above: is this TOML? It must be YAML"},
    {"Markdown", "```yaml\nmodels:\n  a: b\n```\n",
     "f:1:1: this line is Markdown, not part of the configuration: remove it"},
    {"ShellMacroInBraces", "models:\n  a: {cmd: x ${PORT:-1}, ttl: 5}\n",
     "f:2:14: ${ must be in quotes between { } or [ ]: put quotes around the whole value"},
    {"Comma", "a: , b\n",
     "f:1:4: a value cannot begin with a comma: put quotes around it: \", b\""},
    {"Tag", "models:\n  a:\n    name: !important\n",
     "f:3:11: models.a.name: warning: !important is a tag to YAML and no part of the text: "
     "put the whole value in quotes"},
};

INSTANTIATE_TEST_SUITE_P(Table, YamlFaults, testing::ValuesIn(kCases),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(YamlFault, ATabWithinAValueIsFine) {
  EXPECT_THAT(told("a:\tb\nc:\n  -\td\ne: f\t\n"), IsEmpty());
}

TEST(YamlFault, ShowsNoSecret) {
  for (const char* const text :
       {"apiKey: @hunter2\n", "apiKeys:\n  - @hunter2\n", "token: sk: hunter2\n",
        "token: \"hunter2\" hunter2\n", "apiKeys: [\"a\", %hunter2]\n",
        "peers:\n  p:\n    apiKey: {hunter2} x\n", "keys:\n  a:\n    b: 1\n    hunter2\n",
        "wake:\n  http:\n    headers:\n      X: y: hunter2\n", "apiKey: - hunter2\n",
        "apiKey: {\"hunter2\": 1\n", "apiKey hunter2\nb: c\n"}) {
    const std::vector<std::string> problems = told(text);
    EXPECT_THAT(problems, testing::SizeIs(1)) << text;
    for (const std::string& problem : problems) EXPECT_THAT(problem, Not(HasSubstr("hunter2")));
  }
}

TEST(YamlFault, AnyBeginningOfAFileIsToldOrRead) {
  const std::string text =
      "macros: {a: \"x ${b}\", b: 'it''s'}\nmodels:\n  \"q\": &q\n    cmd: |\n      run {\"a\": "
      "1}\n"
      "    aliases: [x, {y: z}] # c\n  r: {<<: *q, name: \"\\x41\"}\nlist:\n- - a\n  - b: >-\n     "
      " t\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    std::vector<Problem> problems;
    const YamlNode root = read_yaml(text.substr(0, size), "f", problems);
    for (const Problem& problem : problems) EXPECT_FALSE(problem.text.empty());
    // Nothing is lost in silence: what cannot be read is told.
    if (root.is_null() && size > 8) EXPECT_FALSE(problems.empty()) << text.substr(0, size);
  }
}

TEST(YamlBytes, OtherEncodingsAreNamed) {
  const auto fault = [](std::string_view text) {
    const auto found = find_byte_fault(text);
    return found ? std::to_string(found->line) + ":" + std::to_string(found->column) + ": " +
                       found->text
                 : std::string();
  };
  EXPECT_THAT(fault("a: b\nc: \xfcx\n"),
              "2:4: the byte 0xFC is not UTF-8 (is the file in Latin-1 or Windows-1252?): save it "
              "as UTF-8");
  EXPECT_THAT(fault("a: \u00fc \xe4\n"), HasSubstr("1:6: the byte 0xE4"));
  EXPECT_THAT(fault(std::string_view("\xff\xfe"
                                     "a\0",
                                     4)),
              HasSubstr("is in UTF-16"));
  EXPECT_THAT(fault(std::string_view("a\0:\0 \0b\0", 8)), HasSubstr("is in UTF-16"));
  EXPECT_THAT(fault(std::string_view("\0a\0:", 4)), HasSubstr("is in UTF-16"));
  EXPECT_THAT(fault(std::string_view("a: b\0\n", 6)), HasSubstr("1:5: a NUL character"));
  EXPECT_THAT(fault("a: \x1b[1m\n"), HasSubstr("1:4: the control character 0x1B"));
  EXPECT_THAT(fault("a: \x7f\n"), HasSubstr("1:4: the control character 0x7F"));
  EXPECT_THAT(fault("a:\n \u00a0b: c\n"), HasSubstr("2:2: this line begins with a space that is"));
  EXPECT_THAT(fault("a: b\u00a0c\r\nd: \u4e2d\n"), IsEmpty());
  EXPECT_THAT(told("\xef\xbb\xbf"
                   "a: @\n"),
              ElementsAre(HasSubstr("f:1:4: ")));
}

TEST(YamlPlaces, CountLetters) {
  std::vector<Problem> problems;
  const YamlNode root = read_yaml("{\u00fcber: \u4e2d\u6587, b: c}\n", "f", problems);
  EXPECT_EQ(root.find("b")->place.column, 15);
  EXPECT_THAT(told("\u00fc: @x\n"), ElementsAre(testing::StartsWith("f:1:4: a text cannot begin")));
}

TEST(YamlFault, WhatIsNotUnderstoodIsShownAsFarAsThatHelps) {
  EXPECT_EQ(shortened(std::string(40, 'a')), std::string(40, 'a'));
  EXPECT_EQ(shortened(std::string(39, 'a') + "\u00fc\u00fc"), std::string(39, 'a') + "…")
      << "no half letters";
  EXPECT_EQ(explain_lost_line("http://x", "", 0, true), "a colon is missing behind \"http\"");
  EXPECT_THAT(told("cmd: x ${PORT} b: c\n"), ElementsAre(Not(HasSubstr("within { }"))));
  const std::string json = "{\"a\": \"" + std::string(40, 'j') + "\"}";
  EXPECT_THAT(told("cmd: x --kw " + json + " y\n"),
              ElementsAre(testing::AllOf(HasSubstr("within { }"), Not(HasSubstr("jjj")))))
      << "what is long is not repeated";
}

TEST(YamlScan, KnowsWhatIsOpen) {
  const auto open = [](std::string_view text) {
    std::string kinds;
    for (const YamlScan::Bracket& each : scan_yaml(text).open) kinds += each.kind;
    return kinds;
  };
  EXPECT_EQ(open("a: [b, {c: d"), "[{");
  EXPECT_EQ(open("a: [b, {c: d}"), "[");
  EXPECT_EQ(open("a: b [c {d\ne: f"), "");             // within a plain text
  EXPECT_EQ(open("a: \"[\"\nb: '{'\n"), "");           // within quotes
  EXPECT_EQ(open("a: |\n  [b\nc: >\n  {d\n"), "");     // within a block
  EXPECT_EQ(open("# [\na: b # {\nc: [d # ]\n"), "[");  // within comments
  EXPECT_EQ(open("a: b\n  [c\nd: [e"), "[");           // a plain text that goes on
  EXPECT_EQ(open("a: [\"]\", ']', b"), "[");
}

TEST(YamlScan, KnowsCommentsAndQuotes) {
  EXPECT_EQ(without_comment(" a#b # c"), "a#b");
  EXPECT_EQ(without_comment("# c"), "");
  EXPECT_TRUE(says_something("  x"));
  EXPECT_FALSE(says_something("  # x"));
  EXPECT_FALSE(says_something(" \t"));
  EXPECT_EQ(in_yaml_quotes("a'b"), "\"a'b\"");
  EXPECT_EQ(in_yaml_quotes("a\"b"), "'a\"b'");
  EXPECT_EQ(in_yaml_quotes("a\"'b"), "");
  EXPECT_EQ(in_yaml_quotes(std::string(73, 'a')), "") << "too long to be shown";
}

TEST(YamlScan, KnowsKeys) {
  EXPECT_EQ(key_of_line("  - cmd: x # y")->indent, 4U);
  EXPECT_EQ(key_of_line("  - cmd: x # y")->value, "x");
  EXPECT_EQ(key_of_line("\"a b\":")->name, "a b");
  EXPECT_EQ(key_of_line("qwen2.5:7b: {}")->name, "qwen2.5:7b");
  EXPECT_EQ(key_of_line("'a''b': x")->name, "a''b");
  EXPECT_EQ(key_of_line("'a\\': x")->name, "a\\") << "a backslash is a letter in single quotes";
  EXPECT_EQ(key_of_line("\"a\\\"b\": x")->name, "a\\\"b");
  for (const char* const line :
       {"--port: 5", "run {\"a\": 1}", "a b: c", "http://x", "a:b", ": x", ""}) {
    EXPECT_FALSE(key_of_line(line)) << line;
  }
}

}  // namespace
}  // namespace rouse
