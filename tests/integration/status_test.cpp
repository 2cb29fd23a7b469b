#include "base/text/sha256.hpp"
#include "tests/integration/demo_world.hpp"
#include "tests/integration/peer_world.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/terminal.hpp"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <csignal>
#include <regex>
#include <sstream>

namespace rouse::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using namespace std::chrono_literals;

struct Said {
  int status = -1;
  std::string text;  ///< standard output and error
};

Said say(const World& world, std::vector<std::string> args,
         const std::vector<std::string>& env = {}) {
  args.insert(args.begin(), built_program("rouse"));
  args.push_back("--url");
  args.push_back(world.url());
  auto [status, text] = run_program(args, env);
  return {status, std::move(text)};
}

std::string page(const World& world, std::vector<std::string> args) {
  const Said said = say(world, std::move(args));
  EXPECT_EQ(said.status, 0) << said.text;
  return said.text;
}

/// The first line with @p text in it.
std::string line_with(const std::string& page, std::string_view text) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(text) != std::string::npos) return line;
  }
  return {};
}

/// Two models of which one has room, with nothing that delays a swap but a running request.
std::string two_models(std::string_view of_a = {}, std::string_view of_b = {}) {
  return models({fake_model("a", of_a, "    aliases: [gpt-4o]\n"), fake_model("b", of_b)},
                "schedule: {minResidency: 0s, linger: 0s}\nmatrix: {sets: {one: \"a | b\"}}\n"
                "selectors: {chat: {strategy: pin, targets: [b]}}\n");
}

TEST(Explain, WhoWaitsAndForWhat) {
  World world(two_models("--prefill-ms 20000"));
  HttpProbe runs = world.connect();
  ASSERT_TRUE(runs.send_request("POST", "/v1/chat/completions", chat("a"),
                                {{"x-request-id", "the-first"}}));
  ASSERT_TRUE(wait_until([&] { return line_with(page(world, {"status"}), "ready") != ""; }));
  HttpProbe waits = world.connect();
  ASSERT_TRUE(waits.send_request("POST", "/v1/chat/completions", chat("chat"),
                                 {{"x-request-id", "the-second"}}));
  ASSERT_TRUE(
      wait_until([&] { return page(world, {"status"}).find("the-second") != std::string::npos; }));

  const std::string status = page(world, {"status"});
  EXPECT_THAT(status, HasSubstr("this machine stays awake: 1 request is running, 1 request is "
                                "waiting\n"));
  EXPECT_THAT(line_with(status, "a  "), MatchesRegex("a +ready +[0-9]+ s +1 +0.*"));
  EXPECT_THAT(
      line_with(status, "the-second"),
      MatchesRegex("the-second +b +[0-9]+ s +127\\.0\\.0\\.1.* loads when a \\(1 running\\) "
                   "is idle; newcomers are kept out in .*"));

  const std::string all = page(world, {"explain"});
  EXPECT_THAT(all, HasSubstr("1 of 2 models loaded, 1 request waits"));
  EXPECT_THAT(line_with(all, "ready"),
              HasSubstr("; serves 1 request; "
                        "stays until another model needs its room (it has no ttl)"));
  EXPECT_THAT(page(world, {"explain", "gpt-4o"}),
              AllOf(HasSubstr("a: ready, for "), HasSubstr("asked as:  gpt-4o, another name of it"),
                    HasSubstr("request:   the-first, the first that waited"),
                    HasSubstr("serves:    1 request, 10 at once at most")));
  const std::string b = page(world, {"explain", "chat"});
  EXPECT_THAT(b, HasSubstr("b: stopped\n  asked as:  selector chat (pin: b) chooses b now\n"
                           "  because:   has not run since this proxy began\n"
                           "  next:      loads when a (1 running) is idle"));
  EXPECT_THAT(line_with(b, "the-second"), HasSubstr("the-second (127.0.0.1"));
}

TEST(Explain, WhyAModelWasEvictedAndWhyAnotherIsLoaded) {
  World world(two_models());
  ASSERT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200);
  ASSERT_EQ(world.post("/v1/chat/completions", chat("b")).status, 200);
  ASSERT_EQ(world.post("/api/models/load/a", "").status, 202);
  ASSERT_TRUE(wait_until([&] {
    return page(world, {"explain", "a"}).find("a: ready") != std::string::npos;
  }));
  EXPECT_THAT(
      page(world, {"explain", "a"}),
      AllOf(HasSubstr("because:  loaded, as an operator asked for it"),
            HasSubstr("stop a: idle for "), HasSubstr("makes room for b: 1 request waiting"),
            HasSubstr("makes room for a: an operator asked for it")));
  EXPECT_THAT(page(world, {"explain", "b"}),
              AllOf(HasSubstr("b: stopped, for "), HasSubstr("because:  evicted: idle for "),
                    HasSubstr("makes room for a: an operator asked for it ("),
                    HasSubstr("next:     is loaded when somebody asks\n")));
}

TEST(Explain, APreloadIsNamedAsTheReason) {
  World world(models({fake_model("a")}, "hooks: {on_startup: {preload: [a]}}"));
  ASSERT_TRUE(world.wait_for_log("a is ready"));
  EXPECT_THAT(page(world, {"explain", "a"}),
              HasSubstr("because:  loaded, as hooks.on_startup preloads it ("));
}

TEST(Explain, AFailedStartAndAnOpenCircuit) {
  World world(models({fake_model("a", "--crash-at-start 3")},
                     "schedule: {loadFailuresMax: 2, backoffFirst: 30s}"));
  EXPECT_EQ(world.post("/v1/chat/completions", chat("a")).status, 503);
  const std::string once = page(world, {"explain", "a"});
  EXPECT_THAT(once, HasSubstr("a: failed, for "));
  EXPECT_THAT(line_with(once, "because:"), MatchesRegex(".*status 3.*"));
  EXPECT_THAT(line_with(once, "next:"),
              MatchesRegex(".* is started again when somebody asks, in [0-9]+ s at the earliest"));
  EXPECT_THAT(page(world, {"explain"}),
              AllOf(HasSubstr("\nlast failures\n"), HasSubstr("\nwhat happens by itself\n  in "),
                    HasSubstr("a may be started again\n")));

  // A load closes the circuit and fails again; so does the next, and it is open.
  for (int i = 0; i < 2; ++i) {
    const std::string before = world.log();
    ASSERT_EQ(world.post("/api/models/load/a", "").status, 202);
    ASSERT_TRUE(wait_until(
        [&] { return world.log().find("a failed", before.size()) != std::string::npos; }));
  }
}

TEST(Explain, RequestsAreRefusedWhileTheCircuitIsOpen) {
  World world(models({fake_model("a", "--crash-at-start 3")},
                     "schedule: {loadFailuresMax: 1, backoffFirst: 30s}"));
  EXPECT_EQ(world.post("/v1/chat/completions", chat("a")).status, 503);
  EXPECT_THAT(
      line_with(page(world, {"explain", "a"}), "next:"),
      MatchesRegex(".*its requests are refused for [0-9]+ s more; then one start is tried"));
  EXPECT_THAT(line_with(page(world, {"status"}), "a  "),
              MatchesRegex("a +failed .*refuses requests for [0-9]+ s: .*status 3.*"));
}

TEST(Explain, AModelThatCannotBeStarted) {
  World world(models({fake_model("a"), "  b:\n    cmd: /no/such/engine --port ${PORT}\n"}));
  EXPECT_EQ(world.post("/v1/chat/completions", chat("b")).status, 503);
  EXPECT_THAT(page(world, {"explain", "b"}),
              AllOf(HasSubstr("because:  could not be started when it was last wanted: "),
                    HasSubstr("/no/such/engine"),
                    HasSubstr("next:     is looked at again when somebody asks\n"),
                    HasSubstr("cannot start b: ")));
  EXPECT_THAT(line_with(page(world, {"status"}), "b  "), HasSubstr("cannot start: "));
}

TEST(Explain, APeerThatSleeps) {
  PeerWorld world;
  ASSERT_TRUE(wait_until([&] {
    return world.front.get("/api/peers").body.find("\"name\":\"attic\"") != std::string::npos;
  }));
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  ASSERT_TRUE(world.becomes("awake"));
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep"));
  EXPECT_THAT(line_with(page(world.front, {"status"}), "attic"),
              MatchesRegex("attic +asleep +[0-9]+ s +says that it goes to sleep +-"));
  const std::string asleep = page(world.front, {"explain", "big"});
  EXPECT_THAT(
      asleep,
      AllOf(HasSubstr("peer attic: asleep, for "), HasSubstr("asked as:   big, a model of it"),
            HasSubstr("because:    says that it goes to sleep\n"),
            HasSubstr("next:       is woken by the next inference request\n"),
            HasSubstr("last wake:  none since this proxy began\n"),
            HasSubstr("peer attic: draining → asleep: says that it goes to sleep")));

  HttpProbe waits = world.front.connect();
  ASSERT_TRUE(waits.send_request("POST", "/v1/chat/completions", chat("big"),
                                 {{"x-request-id", "the-sleeper"}}));
  ASSERT_TRUE(world.becomes("waking"));
  EXPECT_THAT(line_with(page(world.front, {"status"}), "the-sleeper"),
              HasSubstr("goes out when attic has answered"));
  const std::string waking = page(world.front, {"explain", "attic"});
  EXPECT_THAT(waking, AllOf(HasSubstr("peer attic: waking, for "),
                            HasSubstr("because:    a request needs it"),
                            HasSubstr("its requests go out when it answers, given up in "),
                            HasSubstr("last wake:  under way, ")));
  ASSERT_TRUE(world.wakes_when_told());
  EXPECT_EQ(waits.read_response().status, 200);
  EXPECT_THAT(page(world.front, {"explain", "attic"}),
              AllOf(HasSubstr("peer attic: awake"), HasSubstr("last wake:  ok after "),
                    HasSubstr("a request needs it")));
}

TEST(Explain, AnUnknownNameIsGuessed) {
  World world(models({fake_model("coder")}));
  const Said said = say(world, {"explain", "codr"});
  EXPECT_EQ(said.status, 2);
  EXPECT_EQ(said.text,
            "rouse explain: no model, selector or peer is called \"codr\"; did you mean "
            "\"coder\"?\n");
}

TEST(Explain, IsThereForScripts) {
  World world(models({fake_model("a")}));
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  for (const char* const command : {"status", "explain"}) {
    const std::string text = page(world, {command, "--json"});
    ASSERT_EQ(parser.parse(text).get(root), simdjson::SUCCESS) << text;
    EXPECT_EQ(std::string_view(root.at_pointer("/models/0/model")), "a");
    EXPECT_EQ(std::string_view(root.at_pointer("/power/state")), "awake");
  }
  const std::string one = page(world, {"explain", "a", "--json"});
  ASSERT_EQ(parser.parse(one).get(root), simdjson::SUCCESS) << one;
  EXPECT_EQ(std::string_view(root.at_pointer("/asked/model")), "a");
}

TEST(Status, AKeyThatIsMissingIsAskedForInWords) {
  World world(models({fake_model("a")},
                     fmt::format("keys: {{boss: {{sha256: {}, scopes: [observe]}},\n"
                                 "  agent: {{sha256: {}, scopes: [infer]}}}}",
                                 hex_of(sha256("boss-key")), hex_of(sha256("agent-key")))));
  const std::string at = "rouse status: " + world.url() + ": ";
  const Said without = say(world, {"status"});
  EXPECT_EQ(without.status, 1);
  EXPECT_EQ(without.text, at + "a key is needed: put it into ROUSE_KEY\n");
  const Said wrong = say(world, {"status"}, {"ROUSE_KEY=no-such-key"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.text, AllOf(HasSubstr(at + "the key is not taken"), Not(HasSubstr("{"))));
  const Said narrow = say(world, {"status"}, {"ROUSE_KEY=agent-key"});
  EXPECT_EQ(narrow.status, 1);
  EXPECT_THAT(narrow.text, HasSubstr(at + "the key may not look at it: "));
  EXPECT_EQ(say(world, {"status"}, {"ROUSE_KEY=boss-key"}).status, 0);
  const Said watched = say(world, {"status", "--watch"});
  EXPECT_EQ(watched.status, 1) << "no waiting mends that";
  EXPECT_EQ(watched.text, at + "a key is needed: put it into ROUSE_KEY\n");
}

TEST(Status, AKeyInTheCommandLineIsRefused) {
  for (const char* const command : {"status", "explain"}) {
    const auto [status, text] = run_program({built_program("rouse"), command, "--key", "boss-key"});
    EXPECT_EQ(status, 2);
    EXPECT_THAT(text, AllOf(HasSubstr("put it into ROUSE_KEY"), Not(HasSubstr("boss-key"))));
  }
}

TEST(Status, NobodyThereIsStatus1) {
  const std::string url = fmt::format("127.0.0.1:{}", free_port());
  for (const char* const command : {"status", "explain"}) {
    auto [status, text] = run_program({built_program("rouse"), command, "--url", url});
    EXPECT_EQ(status, 1);
    EXPECT_THAT(text, HasSubstr("no answer from " + url + ": "));
    EXPECT_THAT(text, HasSubstr("Connection refused"));
  }
  const auto [status, text] = run_program({built_program("rouse"), "status", "--url", "ftp://x"});
  EXPECT_EQ(status, 2) << text;
}

TEST(Status, TheUrlMayComeFromTheEnvironment) {
  World world(models({fake_model("a")}));
  const auto [status, text] =
      run_program({built_program("rouse"), "status"}, {"ROUSE_URL=" + world.url().substr(7)});
  EXPECT_EQ(status, 0) << text;
  EXPECT_THAT(text, HasSubstr("MODEL  STATE"));
}

TEST(Status, ColumnsCutsThePageWhereThereIsNoWindow) {
  World world(models({fake_model("a-model-with-a-name-that-is-rather-long")}));
  const Said said = say(world, {"status"}, {"COLUMNS=40"});
  EXPECT_EQ(said.status, 0);
  EXPECT_THAT(said.text, AllOf(HasSubstr("a-model-with-"), HasSubstr("…")));
  EXPECT_THAT(said.text, Not(HasSubstr("rather-long")));
  EXPECT_THAT(said.text, Not(HasSubstr("\x1b"))) << "no colours where there is no terminal";
}

TEST(Status, OnATerminalThereAreColoursUnlessNobodyWantsThem) {
  World world(models({fake_model("a")}));
  const std::vector<std::string> argv{built_program("rouse"), "status", "--url", world.url()};
  Terminal coloured(argv, 80, 24);
  EXPECT_EQ(coloured.wait(), 0);
  EXPECT_TRUE(coloured.has_colours());
  Terminal plain(argv, 80, 24, {"NO_COLOR=1"});
  EXPECT_EQ(plain.wait(), 0);
  EXPECT_THAT(plain.screen(), HasSubstr("MODEL  STATE"));
  EXPECT_FALSE(plain.has_colours());
}

/// What holds of a watched page all the time.
void expect_calm(const Terminal& terminal) {
  EXPECT_FALSE(terminal.has_wrapped()) << terminal.screen();
  EXPECT_FALSE(terminal.has_scrolled()) << terminal.screen();
  EXPECT_FALSE(terminal.has_flickered());
}

TEST(StatusWatch, GoesOnWhileTheProxyRestartsAndGivesTheTerminalBack) {
  WorldOptions options;
  options.listen = fmt::format("127.0.0.1:{}", free_port());
  std::vector<std::string> entries;
  for (int i = 0; i < 12; ++i) {
    entries.push_back(fake_model(fmt::format("model-{:02}-with-a-rather-long-name", i)));
  }
  World world(models(entries), options);
  Terminal terminal({built_program("rouse"), "status", "--watch", "--url", world.url()}, 60, 15);
  ASSERT_TRUE(terminal.shows("model-00")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("… and ")) << terminal.screen();
  EXPECT_FALSE(terminal.shows_cursor());
  EXPECT_TRUE(terminal.is_on_own_page());
  expect_calm(terminal);

  ASSERT_EQ(world.stop(), 0);
  ASSERT_TRUE(terminal.shows("no answer since ")) << terminal.screen();
  EXPECT_THAT(terminal.screen(), AllOf(HasSubstr(", trying again"), HasSubstr("model-00")));
  expect_calm(terminal);

  world.start();
  ASSERT_TRUE(terminal.hides("no answer since ")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("model-00"));

  terminal.resize(90, 30);
  ASSERT_TRUE(terminal.shows("model-11-with-a-rather-long-name")) << terminal.screen();
  expect_calm(terminal);

  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.shows_cursor());
  EXPECT_FALSE(terminal.is_on_own_page());
}

TEST(StatusWatch, EndsAtOnceWhileItIsWaitingForAnAnswer) {
  // Accepts, and never says a word.
  World world(models({fake_model("a")}));
  ASSERT_TRUE(world.running());
  Terminal terminal({built_program("rouse"), "status", "--watch", "--url", world.url()}, 80, 24);
  ASSERT_TRUE(terminal.shows("MODEL")) << terminal.screen();
  world.signal(SIGSTOP);
  // It asks each second; what it asks now is not answered.
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_FALSE(terminal.shows("no answer since ", 1500ms));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(5s), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 6s);
  EXPECT_TRUE(terminal.shows_cursor());
  world.signal(SIGCONT);
}

TEST(StatusWatch, GivesTheTerminalBackWhileItIsStopped) {
  World world(models({fake_model("a")}));
  Terminal terminal({built_program("rouse"), "status", "--watch", "--url", world.url()}, 80, 24);
  ASSERT_TRUE(terminal.shows("MODEL")) << terminal.screen();
  ASSERT_EQ(::kill(terminal.pid(), SIGTSTP), 0);
  ASSERT_TRUE(terminal.hides("MODEL")) << terminal.screen();
  EXPECT_TRUE(terminal.shows_cursor());
  EXPECT_FALSE(terminal.is_on_own_page());
  // It gives the terminal back before it stops; a SIGCONT between the two would be in vain.
  ASSERT_TRUE(wait_until([&] { return terminal.is_stopped(); }));
  ASSERT_EQ(::kill(terminal.pid(), SIGCONT), 0);
  EXPECT_TRUE(terminal.shows("MODEL")) << terminal.screen();
  EXPECT_TRUE(terminal.is_on_own_page());
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST(StatusWatch, IsALineOfJsonForEachLook) {
  World world(models({fake_model("a")}));
  ChildProcess program(
      {built_program("rouse"), "status", "--watch", "--json", "--url", world.url()});
  ASSERT_TRUE(wait_until([&] {
    const std::string text = program.output();
    return std::count(text.begin(), text.end(), '\n') >= 2;
  }));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
  std::istringstream lines(program.output());
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(parser.parse(line).get(root), simdjson::SUCCESS) << line;
  }
}

}  // namespace
}  // namespace rouse::test
