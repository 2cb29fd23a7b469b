#include "base/text/text_table.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using Lines = std::vector<std::string>;

PageLook window(std::size_t width, bool colours = false) {
  PageLook look;
  look.width = width;
  look.colours = colours;
  return look;
}

TEST(TextWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(text_width("abc"), 3U);
  EXPECT_EQ(text_width("größe"), 5U);
  EXPECT_EQ(text_width("模型"), 4U) << "two columns each";
  EXPECT_EQ(text_width("e\xCC\x81"), 1U) << "the accent is on top of it";
  EXPECT_EQ(text_width("\xFF\xC3"), 2U) << "bytes that are no text";
}

TEST(OneLine, LeavesNothingThatSteersATerminal) {
  EXPECT_EQ(one_line("a\nb\tc\r\n"), "a b c");
  EXPECT_EQ(one_line("\x1b[2Jx\x7f"), "?[2Jx?");
  EXPECT_EQ(one_line("\xC2\x9B"
                     "1m"),
            "?1m")
      << "the C1 form of an escape";
  EXPECT_EQ(one_line("schön"), "schön");
}

TEST(CutText, ShowsThatThereIsMore) {
  EXPECT_EQ(cut_text("planner", 7), "planner");
  EXPECT_EQ(cut_text("planner", 4), "pla…");
  EXPECT_EQ(cut_text("a planner", 3), "a…") << "no blank before it";
  EXPECT_EQ(cut_text("模型模型", 4), "模…");
  EXPECT_EQ(cut_text("x", 0), "");
}

TEST(WrapText, BreaksBetweenWords) {
  EXPECT_EQ(wrap_text("one two three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrap_text("one two three", 0), (Lines{"one two three"}));
  EXPECT_EQ(wrap_text("unbreakable", 4), (Lines{"unbr", "eaka", "ble"}));
  EXPECT_EQ(wrap_text("one\n\ntwo", 80), (Lines{"one", "two"}));
  EXPECT_EQ(wrap_text("", 10), (Lines{""}));
  EXPECT_EQ(wrap_text("模", 1), (Lines{"模"})) << "ends, if too wide";
}

TEST(TextTable, AlignsAndEndsWithoutBlanks) {
  EXPECT_EQ(text_table({{"model", "state"}, {"größe", ""}, {"x"}}),
            "  model  state\n"
            "  größe\n"
            "  x\n");
  EXPECT_EQ(text_table({{"a", "b"}, {"", ""}}), "  a  b\n\n");
  EXPECT_EQ(text_table({}), "");
}

TEST(TextWidth, WhatIsNoLetterIsOneForEachByte) {
  EXPECT_EQ(text_width("\xc3("), 2U);
  EXPECT_EQ(text_width("\xe2\x82"), 2U);
}

TEST(TextTable, CutsTheLeastImportantFirst) {
  const std::vector<TableRow> rows{{"a-long-model", "ready", "unloads in 3 min"},
                                   {"b", "starting", "since 2 s"}};
  TableFit fit;
  fit.look = window(36);
  fit.give_way = {2, 0};
  EXPECT_EQ(text_table(rows, fit),
            "  a-long-model  ready     unloads i…\n"
            "  b             starting  since 2 s\n");
  fit.look = window(24);
  EXPECT_EQ(text_table(rows, fit),
            "  a-lon…  ready     unl…\n"
            "  b       starting  sin…\n");
  fit.look = window(15);
  EXPECT_EQ(text_table(rows, fit),
            "  a-l…  ready\n"
            "  b     starti…\n")
      << "the note is left out";
  fit.look = window(5);
  EXPECT_EQ(text_table(rows, fit), "  re…\n  st…\n");
}

TEST(TextTable, NoLineIsWiderThanTheWindow) {
  const std::vector<TableRow> rows{{"模型-eins", "ready", "5 min", "a note\nof two lines", "x"},
                                   {"b", "starting", "", "more words than there is room for"}};
  for (const bool wraps : {false, true}) {
    for (std::size_t width = 1; width < 80; ++width) {
      TableFit fit;
      fit.look = window(width);
      fit.wrap_last = wraps;
      const std::string text = text_table(rows, fit);
      for (const std::string& line : wrap_text(text, 0)) {
        // The indent and one sign are always there.
        EXPECT_LE(text_width(line), std::max<std::size_t>(width, 4)) << text;
      }
    }
  }
}

TEST(TextTable, TheLastColumnGoesOnBelowItself) {
  TableFit fit;
  fit.look = window(40);
  fit.wrap_last = true;
  EXPECT_EQ(text_table({{"coder", "failed", "ended with status 3: cannot open the model file"},
                        {"b", "ready", "fine"}},
                       fit),
            "  coder  failed  ended with status 3:\n"
            "                 cannot open the model\n"
            "                 file\n"
            "  b      ready   fine\n");
  fit.look = window(0);
  EXPECT_EQ(text_table({{"coder", "one\ntwo"}}, fit),
            "  coder  one\n"
            "         two\n");
}

TEST(TextTable, ColoursTakeNoRoom) {
  TableFit fit;
  fit.look = window(20, true);
  const std::vector<TableRow> rows{{"a", {"ready", Tone::Good}, "now"}};
  EXPECT_EQ(text_table(rows, fit), "  a  \x1b[32mready\x1b[0m  now\n");
  fit.look.colours = false;
  EXPECT_EQ(text_table(rows, fit), "  a  ready  now\n");
}

}  // namespace
}  // namespace rouse
