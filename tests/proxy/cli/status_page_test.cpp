#include "proxy/cli/status_page.hpp"

#include "tests/proxy/cli/proxy_facts_world.hpp"

#include <gmock/gmock.h>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusPage, ShowsEverythingAtOnce) {
  EXPECT_EQ(status_page(facts_of(night_json()), window(0)), R"page(rouse 0.1.0, up for 3 h 12 min
this machine stays awake: 1 request is running, 1 request is waiting

MODEL    STATE    FOR     RUN  WAIT  NOTE
broken   failed   12 s    0    0     refuses requests for 18 s: ended with status 3 after 0.1 s: cannot open the model file
coder    ready    3 min   1    0
embed    ready    66 min  0    0     unloads in 26 min
planner  stopped  3 min   0    1     loads when coder (1 running) is idle; newcomers are kept out in 31 s at the latest
spare    stopped  -       0    0

REQUEST  WAITS FOR  SINCE  FROM                 NEXT
9c0d     planner    12 s   key alice, 10.0.0.4  loads when coder (1 running) is idle; newcomers are kept out in 31 s at the latest

PEER   STATE   FOR  WHY                         LAST WAKE
attic  asleep  2 h  says that it goes to sleep  ok after 23 s, 3 h ago
barn   failed  4 s  did not wake within 120 s   timeout, 2 min ago

AT        DECISION
20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
20:10:55  planner is gone
20:10:55  start coder: 1 request waiting, first 3f2a
20:11:02  coder is ready
20:13:55  broken failed: ended with status 3 after 0.1 s: cannot open the model file
)page");
}

TEST(StatusPage, IsCutToTheWindowTheLeastImportantFirst) {
  EXPECT_EQ(status_page(facts_of(night_json()), window(80)), R"page(rouse 0.1.0, up for 3 h 12 min
this machine stays awake: 1 request is running, 1 request is waiting

MODEL    STATE    FOR     RUN  WAIT  NOTE
broken   failed   12 s    0    0     refuses requests for 18 s: ended with stat…
coder    ready    3 min   1    0
embed    ready    66 min  0    0     unloads in 26 min
planner  stopped  3 min   0    1     loads when coder (1 running) is idle; newc…
spare    stopped  -       0    0

REQUEST  WAITS FOR  SINCE  FROM          NEXT
9c0d     planner    12 s   key alice,…   loads when coder (1 running) is idle;…

PEER   STATE   FOR  WHY                         LAST WAKE
attic  asleep  2 h  says that it goes to sleep  ok after 23 s, 3 h ago
barn   failed  4 s  did not wake within 120 s   timeout, 2 min ago

AT        DECISION
20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
20:10:55  planner is gone
20:10:55  start coder: 1 request waiting, first 3f2a
20:11:02  coder is ready
20:13:55  broken failed: ended with status 3 after 0.1 s: cannot open the model…
)page");
}

TEST(StatusPage, FitsASmallWindow) {
  EXPECT_EQ(status_page(facts_of(night_json()), window(60), 15),
            R"page(rouse 0.1.0, up for 3 h 12 min
this machine stays awake: 1 request is running, 1 request i…

MODEL   STATE   FOR     RUN  WAIT  NOTE
broken  failed  12 s    0    0     refuses requests for 18…
coder   ready   3 min   1    0
embed   ready   66 min  0    0     unloads in 26 min
… and 2 more

REQUEST  WAITS FOR  SINCE  FROM          NEXT
9c0d     planner    12 s   key alice,…   loads when coder (…

PEER  STATE   FOR  WHY                        LAST WAKE
barn  failed  4 s  did not wake within 120 s  timeout, 2 mi…
… and 1 more
)page");
}

TEST(StatusPage, FitsEveryWindow) {
  const ProxyFacts facts = facts_of(night_json());
  for (std::size_t width = 20; width < 140; width += 3) {
    for (std::size_t height = 1; height < 40; ++height) {
      const std::string page = status_page(facts, window(width), height);
      EXPECT_LE(widest_line(page), width) << page;
      EXPECT_LE(std::count(page.begin(), page.end(), '\n'), static_cast<long>(height)) << page;
      EXPECT_TRUE(page.ends_with('\n'));
    }
  }
}

TEST(StatusPage, ColoursSayNothingNew) {
  const ProxyFacts facts = facts_of(night_json());
  const std::string plain = status_page(facts, window(80));
  std::string coloured = status_page(facts, window(80, true));
  EXPECT_THAT(coloured, HasSubstr("\x1b[31mfailed\x1b[0m"));
  EXPECT_THAT(coloured, HasSubstr("\x1b[32mready\x1b[0m"));
  EXPECT_THAT(coloured, HasSubstr("\x1b[33mstopped\x1b[0m")) << "somebody waits for it";
  EXPECT_THAT(coloured, HasSubstr("\x1b[2mstopped\x1b[0m"));
  for (std::size_t at = 0; (at = coloured.find('\x1b', at)) != std::string::npos;) {
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  }
  EXPECT_EQ(coloured, plain);
}

TEST(StatusPage, AnEmptyProxySaysSo) {
  const ProxyFacts facts = facts_of(
      R"({"version":"0.1.0","up_s":3,"shutting_down":false,"models":[],"waiting":[],"peers":[],)"
      R"("power":{"state":"awake","busy":[]},"decisions":[]})");
  EXPECT_EQ(status_page(facts, window(80)), R"page(rouse 0.1.0, up for 3 s
this machine is needed by no request, and no rouse-suspendd has asked to let it…
no model is configured
nobody waits
)page");
}

std::string page_of(const std::string& members, const PageLook& look = window(0)) {
  return status_page(facts_of(R"({"version":"0.1.0","power":{},"models":[],)" + members + "}"),
                     look);
}

TEST(StatusPage, TheLastDecisionsAreShown) {
  std::string decisions;
  for (int i = 10; i < 25; ++i) {
    decisions += (i == 10 ? "" : ",") + std::string(R"({"at":"20:00:)") + std::to_string(i) +
                 R"(","text":"x"})";
  }
  const std::string page = page_of("\"decisions\":[" + decisions + "]");
  EXPECT_THAT(page, HasSubstr("AT        DECISION\n20:00:15  x\n20:00:16  x\n"));
  EXPECT_THAT(page, HasSubstr("20:00:24  x\n"));
  EXPECT_THAT(page, Not(HasSubstr("20:00:14")));
}

TEST(StatusPage, AServiceThatIsDownIsBad) {
  const auto peer = [](const char* down) {
    return page_of(
        R"("peers":[{"name":"p","state":"awake","service_down":)" + std::string(down) + "}]",
        window(0, true));
  };
  EXPECT_THAT(peer("true"), HasSubstr("\x1b[31mawake"));
  EXPECT_THAT(peer("false"), HasSubstr("\x1b[32mawake"));
}

TEST(StatusPage, AColumnWithNothingInItHasNoTitle) {
  const ProxyFacts facts =
      facts_of(R"({"power":{},"models":[{"model":"m","state":"ready","running":0,"waiting":0,)"
               R"("obstacle":"no program vllm"}]})");
  EXPECT_THAT(status_page(facts, window(0)),
              HasSubstr("MODEL  STATE  FOR  RUN  WAIT\nm      ready  -    0    0\n"))
      << "what kept it from being started once is over, too";
}

TEST(StatusPage, WhatAnEngineWroteDoesNotSteerTheTerminal) {
  std::string json = night_json();
  const std::string_view words = "cannot open the model file";
  for (std::size_t at = 0; (at = json.find(words, at)) != std::string::npos;) {
    json.replace(at, words.size(), "\\u001b[2J\\nnext line");
  }
  const std::string page = status_page(facts_of(json), window(0));
  EXPECT_THAT(page, HasSubstr("?[2J next line"));
  const ProxyFacts odd = facts_of(R"({"version":"0\u001b[2J","power":{},"models":[]})");
  EXPECT_THAT(status_page(odd, window(70)), HasSubstr("rouse 0?[2J, up for"));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
}

TEST(StatusPage, SaysWhetherThisMachineMaySleep) {
  const auto words = [](const std::string& power) {
    const ProxyFacts facts = facts_of(R"({"models":[],"power":)" + power + "}");
    return sleep_words(*object_in(facts.root(), "power"));
  };
  EXPECT_EQ(words(R"({"state":"suspending","reason":"idle for 15 min"})"),
            "goes to sleep: idle for 15 min");
  EXPECT_EQ(words(R"({"state":"draining","reason":"idle for 15 min"})"),
            "is about to sleep: idle for 15 min");
  EXPECT_EQ(words(R"({"state":"awake","busy":[{"kind":"starting","model":"a","age_ms":1},)"
                  R"({"kind":"inflight","model":"b","age_ms":1},)"
                  R"({"kind":"inflight","model":"b","age_ms":1},)"
                  R"({"kind":"management","model":"","age_ms":1}]})"),
            "stays awake: 2 requests are running, a is loading, an operator's call is being "
            "answered");
  EXPECT_EQ(words(R"({"state":"awake","busy":[],"sleep_in_ms":750000})"),
            "sleeps in 12 min unless something needs it");
  EXPECT_EQ(words(R"({"state":"awake","busy":[],"blocked":"5 failures in a row"})"),
            "stays awake, though no request needs it: 5 failures in a row");
  EXPECT_EQ(words(R"({"state":"awake","busy":[],"daemon":true})"),
            "is needed by no request; `rouse-suspendd explain` says whether it sleeps");
}

TEST(ProxyFacts, NothingElseIsTakenForOne) {
  for (const char* text :
       {"", "OK", "[]", "{}", R"({"models":[]})", R"({"models":1,"power":{}})"}) {
    EXPECT_FALSE(ProxyFacts::parse(text)) << text;
  }
}

TEST(ProxyFacts, TimesAreSecondsAndNeverNegative) {
  const ProxyFacts facts =
      facts_of(R"({"power":{},"models":[],"a_s":2.5,"b_ms":2500,"c_s":-3,"d_s":"x"})");
  EXPECT_EQ(seconds_in(facts.root(), "a_s"), 2.5);
  EXPECT_EQ(seconds_in(facts.root(), "b_ms"), 2.5);
  EXPECT_EQ(seconds_in(facts.root(), "c_s"), 0);
  EXPECT_EQ(seconds_in(facts.root(), "d_s"), std::nullopt);
}

TEST(ProxyFacts, AWakeThatGoesOnHasNoEnd) {
  const auto words = [](const std::string& members) {
    const ProxyFacts facts = facts_of(R"({"models":[],"power":)" + members + "}");
    return wake_words(*object_in(facts.root(), "power"));
  };
  EXPECT_EQ(words(R"({"outcome":"waking","to_service_ms":null})"), "under way");
  EXPECT_EQ(words(R"({"outcome":"ok","to_service_ms":23000})"), "ok after 23 s");
  EXPECT_EQ(words(R"({"outcome":"timeout"})"), "timeout");
}

TEST(ProxyFacts, SpansAreShort) {
  EXPECT_EQ(span_words(0.4), "400 ms");
  EXPECT_EQ(span_words(180), "3 min");
  EXPECT_EQ(span_words(200), "3 min 20 s");
  EXPECT_EQ(span_words(1560.4), "26 min");
  EXPECT_EQ(span_words(7200), "2 h");
  EXPECT_EQ(span_words(3 * 86400.0), "3 d");
  EXPECT_EQ(short_span(119), "119 s");
  EXPECT_EQ(short_span(7199), "119 min");
  EXPECT_EQ(short_span(7200), "2 h");
}

}  // namespace
}  // namespace rouse::test
