#include "proxy/cli/explain_page.hpp"

#include "proxy/cli/explain_words.hpp"
#include "tests/proxy/cli/proxy_facts_world.hpp"

#include <gmock/gmock.h>

namespace rouse::test {
namespace {

using testing::HasSubstr;

TEST(ExplainPage, OfTheWholeProxy) {
  EXPECT_EQ(explain_page(facts_of(night_json()), window(0)),
            R"page(2 of 5 models loaded, 1 request waits, up for 3 h 12 min
  next:  in 11 s: peer barn may be woken again

models
  failed   broken   for 12 s        ended with status 3 after 0.1 s: cannot open the model file; its requests are refused for 18 s more (3 in a row); then one start is tried
  ready    coder    for 3 min 12 s  loaded for 1 request waiting; serves 1 request; is unloaded 30 min after its last request (ttl)
  ready    embed    for 66 min      loaded, as hooks.on_startup preloads it; is unloaded in 26 min (ttl) unless somebody asks
  stopped  planner  for 3 min 12 s  evicted: idle for 5 s; makes room for coder: 1 request waiting; 1 request waits
  stopped  spare                    nobody has asked for it since this proxy began; is loaded when somebody asks

waiting
  planner  for 12 s  9c0d (key alice, 10.0.0.4); loads when coder (1 running) is idle; newcomers are kept out in 31 s at the latest

peers
  asleep  attic  for 2 h 3 min  says that it goes to sleep; is woken by the next inference request
  failed  barn   for 4 s        did not wake within 120 s; asked 4 s ago: connecting to 192.168.1.21:8080: Connection timed out; its requests are refused for 11 s more; the next one after that wakes it

sleep of this machine
  now  stays awake: 1 request is running, 1 request is waiting

what happens by itself
  in 11 s    peer barn may be woken again
  in 18 s    broken takes requests again, and one start is tried
  in 26 min  embed is unloaded (ttl) unless somebody asks

last failures
  12 s ago       broken: ended with status 3 after 0.1 s: cannot open the model file
  2 min 4 s ago  peer barn did not wake: 40 volleys sent; last answer: connecting to 192.168.1.21:8080: Connection timed out

last decisions
  20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
  20:10:55  planner is gone
  20:10:55  start coder: 1 request waiting, first 3f2a
  20:11:02  coder is ready
  20:13:55  broken failed: ended with status 3 after 0.1 s: cannot open the model file
)page");
}

TEST(ExplainPage, InAWindowNothingIsCut) {
  EXPECT_EQ(explain_page(facts_of(night_json()), window(80)),
            R"page(2 of 5 models loaded, 1 request waits, up for 3 h 12 min
  next:  in 11 s: peer barn may be woken again

models
  failed   broken   for 12 s        ended with status 3 after 0.1 s: cannot open
                                    the model file; its requests are refused for
                                    18 s more (3 in a row); then one start is
                                    tried
  ready    coder    for 3 min 12 s  loaded for 1 request waiting; serves 1
                                    request; is unloaded 30 min after its last
                                    request (ttl)
  ready    embed    for 66 min      loaded, as hooks.on_startup preloads it; is
                                    unloaded in 26 min (ttl) unless somebody
                                    asks
  stopped  planner  for 3 min 12 s  evicted: idle for 5 s; makes room for coder:
                                    1 request waiting; 1 request waits
  stopped  spare                    nobody has asked for it since this proxy
                                    began; is loaded when somebody asks

waiting
  planner  for 12 s  9c0d (key alice, 10.0.0.4); loads when coder (1 running) is
                     idle; newcomers are kept out in 31 s at the latest

peers
  asleep  attic  for 2 h 3 min  says that it goes to sleep; is woken by the next
                                inference request
  failed  barn   for 4 s        did not wake within 120 s; asked 4 s ago:
                                connecting to 192.168.1.21:8080: Connection
                                timed out; its requests are refused for 11 s
                                more; the next one after that wakes it

sleep of this machine
  now  stays awake: 1 request is running, 1 request is waiting

what happens by itself
  in 11 s    peer barn may be woken again
  in 18 s    broken takes requests again, and one start is tried
  in 26 min  embed is unloaded (ttl) unless somebody asks

last failures
  12 s ago       broken: ended with status 3 after 0.1 s: cannot open the model
                 file
  2 min 4 s ago  peer barn did not wake: 40 volleys sent; last answer:
                 connecting to 192.168.1.21:8080: Connection timed out

last decisions
  20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
  20:10:55  planner is gone
  20:10:55  start coder: 1 request waiting, first 3f2a
  20:11:02  coder is ready
  20:13:55  broken failed: ended with status 3 after 0.1 s: cannot open the
            model file
)page");
}

TEST(ExplainPage, OfAModelByItsAlias) {
  const std::string json = night_json(R"("asked":{"name":"gpt-4o","model":"coder"},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(coder: ready, for 3 min 12 s
  asked as:  gpt-4o, another name of it
  because:   loaded for 1 request waiting
  request:   3f2a, the first that waited
  serves:    1 request, 10 at once at most
  next:      is unloaded 30 min after its last request (ttl)

last decisions
  20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
  20:10:55  start coder: 1 request waiting, first 3f2a
  20:11:02  coder is ready
)page");
}

TEST(ExplainPage, OfAModelThatWasEvictedAndIsWaitedFor) {
  const std::string json = night_json(R"("asked":{"name":"planner","model":"planner"},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(planner: stopped, for 3 min 12 s
  because:  evicted: idle for 5 s; makes room for coder: 1 request waiting
  next:     loads when coder (1 running) is idle; newcomers are kept out in 31 s
            at the latest

waiting
  planner  for 12 s  9c0d (key alice, 10.0.0.4); loads when coder (1 running) is
                     idle; newcomers are kept out in 31 s at the latest

last decisions
  20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
  20:10:55  planner is gone
)page");
}

TEST(ExplainPage, OfAModelThatASelectorChose) {
  const std::string json = night_json(
      R"("asked":{"name":"chat","selector":"chat","strategy":"warm","targets":["coder","planner"],"model":"coder"},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(coder: ready, for 3 min 12 s
  asked as:  selector chat (warm: coder, planner) chooses coder now
  because:   loaded for 1 request waiting
  request:   3f2a, the first that waited
  serves:    1 request, 10 at once at most
  next:      is unloaded 30 min after its last request (ttl)

last decisions
  20:10:54  stop planner: idle for 5 s; makes room for coder: 1 request waiting
  20:10:55  start coder: 1 request waiting, first 3f2a
  20:11:02  coder is ready
)page");
}

TEST(ExplainPage, OfAModelThatFailsAndWhoseCircuitIsOpen) {
  const std::string json = night_json(R"("asked":{"name":"broken","model":"broken"},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(broken: failed, for 12 s
  because:  ended with status 3 after 0.1 s: cannot open the model file
  next:     its requests are refused for 18 s more (3 in a row); then one start
            is tried

last decisions
  20:13:55  broken failed: ended with status 3 after 0.1 s: cannot open the
            model file
)page");
}

TEST(ExplainPage, OfAModelThatNobodyHasAskedFor) {
  const std::string json =
      night_json(R"("asked":{"name":"night","pinned_to":"spare","model":"spare"},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(spare: stopped
  asked as:  night; the active profile makes it spare
  because:   nobody has asked for it since this proxy began
  next:      is loaded when somebody asks
)page");
}

TEST(ExplainPage, OfAPeerThatSleeps) {
  const std::string json = night_json(R"("asked":{"name":"attic","peers":["attic"]},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(peer attic: asleep, for 2 h 3 min
  address:    http://192.168.1.20:8080
  because:    says that it goes to sleep
  heard of:   2 h 3 min ago
  next:       is woken by the next inference request
  last wake:  ok after 23 s, 3 h ago: for huge, key alice, 10.0.0.4; a request
              needs it
  models:     huge
)page");
}

TEST(ExplainPage, OfAPeerThatDidNotWakeByTheNameOfItsModel) {
  const std::string json = night_json(R"("asked":{"name":"barn/tiny","peers":["barn"]},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(peer barn: failed, for 4 s
  asked as:   barn/tiny, a model of it
  address:    http://192.168.1.21:8080
  because:    did not wake within 120 s; asked 4 s ago: connecting to
              192.168.1.21:8080: Connection timed out
  next:       its requests are refused for 11 s more; the next one after that
              wakes it
  last wake:  timeout, 2 min 4 s ago: for tiny, 10.0.0.4; a request needs it
  models:     none is known
)page");
}

TEST(ExplainPage, OfASelectorThatHasNoTarget) {
  const std::string json = night_json(
      R"("asked":{"name":"x","problem":"selector \"x\" has no available spillover targets","peers":[]},)");
  EXPECT_EQ(explain_page(facts_of(json), window(80)), R"page(x: not served at the moment
  because:  selector "x" has no available spillover targets
)page");
}

TEST(ExplainPage, OfANameThatTheProfileDisables) {
  EXPECT_EQ(explain_page(facts_of(night_json(R"("asked":{"name":"x","peers":[]},)")), window(80)),
            "x: not served at the moment\n  because:  the active profile disables it\n");
}

TEST(ExplainPage, OfAModelThatFailedBeforeItWasReady) {
  const ProxyFacts facts = facts_of(
      R"({"asked":{"name":"m","model":"m"},"power":{},"models":[{"model":"m","state":"ready",)"
      R"("running":0,"waiting":0,"at_once":1,"last_failure":"out of memory","failed_s":12}],)"
      R"("waiting":[{"request_id":"9c0d","model":"m","peer":"attic"}]})");
  const std::string page = explain_page(facts, window(80));
  EXPECT_THAT(page, HasSubstr("  failed:  12 s ago: out of memory\n"));
  EXPECT_THAT(page, testing::Not(HasSubstr("9c0d"))) << "who waits for another machine";
}

TEST(ExplainPage, TellsOfAShutdownAndOfTheLastDecisions) {
  std::string decisions;
  for (int i = 10; i < 25; ++i) {
    decisions += (i == 10 ? "" : ",") + std::string(R"({"at":"20:00:)") + std::to_string(i) +
                 R"(","text":"x"})";
  }
  const std::string page = explain_page(
      facts_of(R"({"power":{},"models":[],"shutting_down":true,"decisions":[)" + decisions + "]}"),
      window(80));
  EXPECT_THAT(page, HasSubstr("0 of 0 models loaded, nobody waits, up for 0 ms, shutting down\n"));
  EXPECT_THAT(page, HasSubstr("last decisions\n  20:00:15  x\n"));
  EXPECT_THAT(page, HasSubstr("  20:00:24  x\n"));
}

TEST(ExplainPage, NoLineIsWiderThanTheWindow) {
  const ProxyFacts facts = facts_of(night_json());
  for (std::size_t width = 60; width < 140; ++width) {
    EXPECT_LE(widest_line(explain_page(facts, window(width))), width);
  }
}

std::string next_of_model(const std::string& members) {
  const ProxyFacts facts = facts_of(R"({"power":{},"models":[{"model":"m",)" + members + "}]}");
  return rouse::next_of_model(list_in(facts.root(), "models")[0]);
}

TEST(ExplainWords, WhatComesNextForAModel) {
  EXPECT_EQ(
      next_of_model(
          R"("state":"ready","running":2,"leaves":"an operator unloads it, in 8 s at the latest")"),
      "admits no newcomers, and stops when its 2 requests have ended: an operator unloads it, "
      "in 8 s at the latest");
  EXPECT_EQ(next_of_model(R"("state":"ready","ttl_s":0)"),
            "stays until another model needs its room (it has no ttl)");
  EXPECT_EQ(next_of_model(R"("state":"starting","waiting":3)"),
            "serves 3 requests when it is ready");
  EXPECT_EQ(next_of_model(R"("state":"starting","waiting":0,"abandoned_in_s":43)"),
            "nobody waits for it any more: others may have its room in 43 s");
  EXPECT_EQ(next_of_model(R"("state":"stopping","waiting":1)"),
            "is loaded again for 1 request when it has stopped");
  EXPECT_EQ(next_of_model(R"("state":"failed","retry_in_s":2,"failures":2)"),
            "is started again when somebody asks, in 2 s at the earliest (2 in a row)");
  EXPECT_EQ(next_of_model(R"("state":"failed")"), "is started again when somebody asks");
  EXPECT_EQ(next_of_model(R"("state":"stopped","obstacle":"no program vllm")"),
            "is looked at again when somebody asks");
  EXPECT_EQ(next_of_model(R"("state":"stopped","waiting":0)"), "is loaded when somebody asks");
}

std::string next_of_peer(const std::string& members) {
  const ProxyFacts facts =
      facts_of(R"({"power":{},"models":[],"peers":[{"name":"p",)" + members + "}]}");
  return rouse::next_of_peer(list_in(facts.root(), "peers")[0]);
}

TEST(ExplainWords, WhatComesNextForAPeer) {
  EXPECT_EQ(next_of_peer(R"("state":"unknown")"), "is asked when a request wants it");
  EXPECT_EQ(next_of_peer(R"("state":"asleep","can_wake":false)"),
            "its requests are refused until it answers: there is no wake: for it");
  EXPECT_EQ(next_of_peer(R"("state":"draining")"), "sleeps, unless a request comes first");
  EXPECT_EQ(next_of_peer(R"("state":"waking","gives_up_in_ms":98000,"volleys":5)"),
            "5 volleys sent; its requests go out when it answers, given up in 98 s");
  EXPECT_EQ(next_of_peer(R"("state":"awake","service_down":true)"),
            "is asked again by the next request");
  EXPECT_EQ(next_of_peer(R"("state":"awake","service_down":false)"), "serves requests");
}

TEST(ExplainWords, AnAnswerFromBeforeSaysNothingOfNow) {
  const auto why = [](const std::string& members) {
    const ProxyFacts facts = facts_of(
        R"({"power":{},"models":[],"peers":[{"state":"asleep","reason":"so","answer":"200",)" +
        members + "}]}");
    return why_peer(list_in(facts.root(), "peers")[0]);
  };
  EXPECT_EQ(why(R"("asked_ms":4000,"since_ms":9000)"), "so; asked 4 s ago: 200");
  EXPECT_EQ(why(R"("asked_ms":9000,"since_ms":4000)"), "so");
}

TEST(ExplainPage, WhatRequestsHoldWhileTheyWait) {
  const auto page = [](const std::string& held) {
    return explain_page(facts_of(R"({"models":[],"power":{},"held":)" + held + "}"), window(0));
  };
  EXPECT_THAT(page(R"({"bytes":13107200,"max":268435456})"),
              HasSubstr("held:  12.5 of 256 MiB that requests may hold while they wait\n"));
  EXPECT_THAT(page(R"({"bytes":0,"max":268435456})"), testing::Not(HasSubstr("held:")));
}

}  // namespace
}  // namespace rouse::test
