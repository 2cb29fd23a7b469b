#include "proxy/admission/dispatcher.hpp"

#include "base/process/spawn.hpp"
#include "proxy/config/config.hpp"
#include "proxy/engine/launch.hpp"
#include "proxy/engine/registry.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/proxy/scripted_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using core::EngineState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = AdmissionTicket::State;

/// A shell that leaves on SIGTERM.
constexpr const char* kEngine =
    "sh -c 'trap \"exit 0\" TERM; echo up; while :; do sleep 0.02; done'";

/// Both models may be loaded at once.
constexpr const char* kSideBySide =
    "routing: {router: {use: group, settings: {groups: {g: {swap: false, members: [a, b]}}}}}\n";

class DispatcherTest : public StreamFixture {
 protected:
  static void SetUpTestSuite() { become_subreaper(); }
  void TearDown() override {
    tickets_.clear();
    if (dispatcher_) {
      dispatcher_->shut_down_now();
      run(dispatcher_->shut_down());
    }
    server_.reset();
    pool_.clear();
    StreamFixture::TearDown();
  }

  /// The models entry of one engine; @p keys are further lines of it, without their indent.
  std::string model(const std::string& id, const std::vector<std::string>& keys = {},
                    const std::string& cmd = kEngine) {
    if (!ports_.contains(id)) ports_[id] = test::free_port();
    std::string text =
        fmt::format("  {}:\n    cmd: {}\n    proxy: http://127.0.0.1:{}\n", id, cmd, ports_[id]);
    bool has_check = false;
    for (const std::string& key : keys) {
      text += "    " + key + "\n";
      has_check = has_check || key.starts_with("checkEndpoint");
    }
    return has_check ? text : text + "    checkEndpoint: none\n";
  }
  static std::shared_ptr<const Config> config(const std::vector<std::string>& models,
                                              const std::string& rest = {}) {
    std::string text = rest.find("schedule:") == std::string::npos
                           ? "schedule: {linger: 0s, minResidency: 0s}\n"
                           : "";
    text += rest + "models:\n";
    for (const std::string& each : models) text += each;
    const LoadedConfig loaded = parse_config(text, "c.yaml");
    EXPECT_NE(loaded.config, nullptr) << text << loaded.problems.front().str();
    return loaded.config;
  }
  void use(std::shared_ptr<const Config> config) {
    config_ = std::move(config);
    dispatcher_ = std::make_unique<Dispatcher>(config_, group_, pool_, registry_);
    dispatcher_->on_change([this](const EngineChange& change) { changes_.push_back(change); });
  }
  AdmissionTicket& enter(const std::string& id, const std::string& request_id = "r") {
    tickets_.push_back(dispatcher_->enter(config_->models.at(id), 0, request_id));
    return *tickets_.back();
  }
  bool becomes(const AdmissionTicket& ticket, State state) {
    return run_until([&] { return ticket.state() == state; });
  }
  bool becomes(const std::string& id, EngineState state) {
    return run_until([&] { return dispatcher_->engine_state(id) == state; });
  }
  [[nodiscard]] std::vector<std::string> decided() const {
    std::vector<std::string> texts;
    for (const Decision& each : dispatcher_->decisions()) texts.push_back(each.text);
    return texts;
  }

  test::TempDir dir_;
  std::map<std::string, std::uint16_t> ports_;
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  EngineRegistry registry_{{}};
  std::shared_ptr<const Config> config_;
  std::unique_ptr<test::ScriptedServer> server_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::vector<std::unique_ptr<AdmissionTicket>> tickets_;
  std::vector<EngineChange> changes_;
};

// --- ports ---------------------------------------------------------------------------------------

/// Two models on ${PORT}, from @p first on.
std::string given_ports(int first, const std::string& more = {}) {
  const std::string engine =
      "{cmd: \"sh -c 'trap \\\"exit 0\\\" TERM; while :; do sleep 0.02; done' ${PORT}\", "
      "env: [\"AT=${PORT}\"], checkEndpoint: none}\n";
  return fmt::format("startPort: {}\n{}{}models:\n  a: {}  b: {}", first, more, kSideBySide, engine,
                     engine);
}

TEST_F(DispatcherTest, AGivenPortThatSomebodyElseHasBecomesTheNextFreeOne) {
  test::ScriptedServer other(group_, [](const std::string&) { return test::http_answer(200); });
  const int taken = other.port();
  const std::string text = given_ports(taken);
  use(parse_config(text, "c.yaml").config);
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(becomes(ticket, State::Admitted));
  const ModelConfig& started = dispatcher_->as_started(config_->models.at("a"));
  const int port = ticket.endpoint().port;
  EXPECT_GT(port, taken + 1) << "the next one is b's";
  EXPECT_EQ(started.port, port);
  EXPECT_THAT(started.cmd, HasSubstr(std::to_string(port)));
  EXPECT_THAT(started.env, ElementsAre(fmt::format("AT={}", port)));
  EXPECT_THAT(decided(), testing::Contains(AllOf(HasSubstr(fmt::format("port {} is taken", taken)),
                                                 HasSubstr(std::to_string(port)))));
  AdmissionTicket& next = enter("b");
  ASSERT_TRUE(becomes(next, State::Admitted));
  EXPECT_NE(next.endpoint().port, port) << "which does not listen yet, but has it";
}

TEST_F(DispatcherTest, TwoThatAreMovedAsideGetPortsOfTheirOwn) {
  const auto answer = [](const std::string&) { return test::http_answer(200); };
  std::unique_ptr<test::ScriptedServer> a;
  std::unique_ptr<test::ScriptedServer> b;
  for (int tries = 0; tries < 20 && !b; ++tries) {
    a = std::make_unique<test::ScriptedServer>(group_, answer);
    const auto next = static_cast<std::uint16_t>(a->port() + 1);
    try {
      b = std::make_unique<test::ScriptedServer>(group_, answer, next);
    } catch (const boost::system::system_error&) {  // somebody has it
    }
  }
  ASSERT_TRUE(b) << "no two free ports side by side";
  use(parse_config(given_ports(a->port()), "c.yaml").config);
  AdmissionTicket& first = enter("a");
  ASSERT_TRUE(becomes(first, State::Admitted));
  AdmissionTicket& second = enter("b");
  ASSERT_TRUE(becomes(second, State::Admitted));
  EXPECT_GT(first.endpoint().port, b->port());
  EXPECT_GT(second.endpoint().port, first.endpoint().port) << "which does not listen yet";
}

TEST_F(DispatcherTest, AModelThatWasMovedAsideGoesOnAfterAReload) {
  test::ScriptedServer other(group_, [](const std::string&) { return test::http_answer(200); });
  const int taken = other.port();
  use(parse_config(given_ports(taken), "c.yaml").config);
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(becomes(ticket, State::Admitted));
  const int port = ticket.endpoint().port;
  const auto same = parse_config(given_ports(taken, "globalTTL: 99\n"), "c.yaml").config;
  EXPECT_THAT(dispatcher_->adopt(same), IsEmpty());
  EXPECT_EQ(dispatcher_->as_started(same->models.at("a")).port, port);
  EXPECT_EQ(dispatcher_->as_started(same->models.at("a")).ttl, 99s);
  const auto changed = parse_config(
      given_ports(taken, "macros: {unused: x}\n") + "  c: {cmd: c, proxy: http://h:1}\n", "c.yaml");
  EXPECT_THAT(dispatcher_->adopt(changed.config), IsEmpty());
  std::string text = given_ports(taken);
  text.replace(text.find("AT="), 2, "TO");
  EXPECT_THAT(dispatcher_->adopt(parse_config(text, "c.yaml").config), ElementsAre("a"));
}

TEST_F(DispatcherTest, APortThatIsFreeAgainIsTakenByTheNextRun) {
  auto other = std::make_unique<test::ScriptedServer>(
      group_, [](const std::string&) { return test::http_answer(200); });
  const int taken = other->port();
  use(parse_config(given_ports(taken), "c.yaml").config);
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  other.reset();
  tickets_.clear();
  dispatcher_->unload({.model = "a", .by = "test", .at_once = true});
  ASSERT_TRUE(becomes("a", EngineState::Stopped));
  AdmissionTicket& again = enter("a");
  ASSERT_TRUE(becomes(again, State::Admitted));
  EXPECT_EQ(again.endpoint().port, taken);
}

TEST_F(DispatcherTest, APortThatTheFileNamesIsNoOtherEvenWhenItIsTaken) {
  test::ScriptedServer other(group_, [](const std::string&) { return test::http_answer(200); });
  ports_["a"] = other.port();
  use(config({model("a", {}, fmt::format("engine --port {}", other.port()))}));
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(becomes(ticket, State::Refused));
}

TEST_F(DispatcherTest, APortThatIsGivenForSomethingElseIsLeftAlone) {
  test::ScriptedServer other(group_, [](const std::string&) { return test::http_answer(200); });
  const std::string text = fmt::format(
      "startPort: {}\nmodels:\n  a:\n    cmd: {} --metrics-port ${{PORT}}\n"
      "    proxy: http://127.0.0.1:{}\n    checkEndpoint: none\n",
      other.port(), kEngine, test::free_port());
  use(parse_config(text, "c.yaml").config);
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  EXPECT_EQ(dispatcher_->as_started(config_->models.at("a")).port, other.port());
}

// --- the way of a request ------------------------------------------------------------------------

TEST_F(DispatcherTest, ARequestWaitsForTheEngineThatIsStartedForIt) {
  use(config({model("a")}));
  AdmissionTicket& ticket = enter("a", "first");
  EXPECT_EQ(ticket.state(), State::Waiting);
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Starting);
  EXPECT_EQ(dispatcher_->started_for("a"), "first");
  EXPECT_EQ(dispatcher_->request_id(ticket.id()), "first");
  ASSERT_TRUE(becomes(ticket, State::Admitted));
  EXPECT_EQ(ticket.endpoint().port, ports_["a"]);
  EXPECT_GT(dispatcher_->engine_pid("a"), 1);
  EXPECT_THAT(decided(), testing::Contains(HasSubstr("first first")));
  ASSERT_EQ(changes_.size(), 2u);
  EXPECT_EQ(changes_[0].from, EngineState::Stopped);
  EXPECT_EQ(changes_[0].to, EngineState::Starting);
  EXPECT_EQ(changes_[1].to, EngineState::Ready);
  EXPECT_FALSE(changes_[1].failed);
}

TEST_F(DispatcherTest, TheLoadOfWhoWaitedForItIsToldAndOfNobodyElse) {
  use(config({model("a", {"checkEndpoint: /health"})}));
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(run_until([this] { return dispatcher_->engine_pid("a") > 0; }));
  const auto ready_at = std::chrono::steady_clock::now() + 100ms;
  server_ = std::make_unique<test::ScriptedServer>(
      group_,
      [ready_at](const std::string&) {
        return test::http_answer(std::chrono::steady_clock::now() < ready_at ? 503 : 200);
      },
      ports_["a"]);
  ASSERT_TRUE(becomes(ticket, State::Admitted));
  EXPECT_GE(ticket.load(), 100ms);
  AdmissionTicket& later = enter("a");
  EXPECT_EQ(later.state(), State::Admitted);
  EXPECT_EQ(later.load(), 0ms);
}

TEST_F(DispatcherTest, WhoLeavesGivesTheSlotToWhoeverIsNext) {
  use(config({model("a", {"concurrencyLimit: 1"})}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  enter("a");
  enter("a");
  EXPECT_EQ(dispatcher_->queue_position(*tickets_[1]), 1u);
  EXPECT_EQ(dispatcher_->queue_position(*tickets_[2]), 2u);
  tickets_.erase(tickets_.begin() + 1);  // it did not want to wait
  EXPECT_EQ(dispatcher_->queue_position(*tickets_[1]), 1u);
  tickets_.erase(tickets_.begin());
  EXPECT_EQ(tickets_[0]->state(), State::Admitted);
}

TEST_F(DispatcherTest, WhoeverWaitsIsWokenWhenItIsDecided) {
  use(config({model("a", {"checkEndpoint: /health"})}));
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(run_until([this] { return dispatcher_->engine_pid("a") > 0; }));
  server_ = std::make_unique<test::ScriptedServer>(
      group_, [](const std::string&) { return test::http_answer(200); }, ports_["a"]);
  ASSERT_EQ(ticket.state(), State::Waiting);
  run(ticket.changed(std::chrono::steady_clock::now() + 60s));
  EXPECT_EQ(ticket.state(), State::Admitted);
}

TEST_F(DispatcherTest, ATicketIfReadyTakesNoSlotAndMovesNothing) {
  use(config({model("a", {"concurrencyLimit: 1"})}));
  EXPECT_EQ(dispatcher_->enter_if_ready(config_->models.at("a"), "v"), nullptr);
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Stopped);
  enter("a");
  EXPECT_EQ(dispatcher_->enter_if_ready(config_->models.at("a"), "v"), nullptr)
      << "it is not ready yet";
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  auto visit = dispatcher_->enter_if_ready(config_->models.at("a"), "v");
  ASSERT_NE(visit, nullptr);
  EXPECT_EQ(visit->endpoint().port, ports_["a"]);
  tickets_.clear();
  EXPECT_EQ(enter("a").state(), State::Admitted) << "the slot is free";
  visit.reset();
  EXPECT_EQ(dispatcher_->view().models.at(0).running, 1) << "it gave no slot back";
}

TEST_F(DispatcherTest, ATicketIfReadyIsCutWhenItsEngineIsStopped) {
  use(config({model("a")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  tickets_.clear();
  tickets_.push_back(dispatcher_->enter_if_ready(config_->models.at("a"), "v"));
  bool cut = false;
  tickets_[0]->on_abort([&] { cut = true; });
  dispatcher_->unload({"a"});
  EXPECT_TRUE(cut);
  EXPECT_EQ(tickets_[0]->state(), State::Aborted);
  EXPECT_THAT(tickets_[0]->abort_reason(), HasSubstr("an operator"));
}

// --- what cannot be started ----------------------------------------------------------------------

TEST_F(DispatcherTest, NothingIsMovedForAProgramThatIsNotThere) {
  use(config({model("a"), model("b", {}, dir_ / "engine")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  tickets_.clear();
  AdmissionTicket& ticket = enter("b");
  EXPECT_EQ(ticket.state(), State::Refused);
  EXPECT_THAT(ticket.failure().text.message, HasSubstr(dir_ / "engine"));
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Ready);
  EXPECT_THAT(dispatcher_->load("b"), HasSubstr(dir_ / "engine"));
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Ready);
  for (const EngineChange& change : changes_) EXPECT_EQ(change.model, "a");
  EXPECT_EQ(dispatcher_->last_obstacle("b"), dispatcher_->load("b"));
  const auto told = decided();
  EXPECT_EQ(std::count_if(told.begin(), told.end(),
                          [](const auto& text) { return text.starts_with("cannot start b"); }),
            1)
      << "once, however many ask";

  const std::string program = dir_.write("engine", "#!/bin/sh\nexec sleep 60\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  EXPECT_TRUE(becomes(enter("b"), State::Admitted));
  EXPECT_EQ(dispatcher_->last_obstacle("b"), "");
}

TEST_F(DispatcherTest, AModelThatRunsIsNotLookedAtForObstacles) {
  const std::string program = dir_.write("engine", "#!/bin/sh\nexec sleep 60\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  use(config({model("a", {}, program)}));
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  std::filesystem::remove(program);
  EXPECT_EQ(enter("a").state(), State::Admitted);
  EXPECT_EQ(dispatcher_->load("a"), "");
}

TEST_F(DispatcherTest, AnEngineThatEndsByItselfRefusesThoseWhoWaitedForIt) {
  use(config({model("a", {"checkEndpoint: /health"}, "sh -c 'echo no memory; exit 3'")}));
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(becomes(ticket, State::Refused));
  EXPECT_TRUE(ticket.failure().load_failed);
  EXPECT_EQ(ticket.failure().output, "no memory") << "for those who may read the log";
  EXPECT_THAT(ticket.failure().text.message, testing::Not(HasSubstr("no memory")));
  ASSERT_FALSE(changes_.empty());
  EXPECT_EQ(changes_.back().to, EngineState::Stopped);
  EXPECT_TRUE(changes_.back().failed);
  EXPECT_THAT(changes_.back().reason, HasSubstr("exited with status 3"));
  EXPECT_THAT(decided().back(), HasSubstr("a failed: exited with status 3"));
}

TEST_F(DispatcherTest, AFileThatIsMissingIsToldBeforeAnythingIsMoved) {
  use(config({model("a", {}, "/bin/sleep -m " + (dir_ / "a.gguf"))}));
  const ModelConfig& a = config_->models.at("a");
  EXPECT_THAT(run(dispatcher_->missing_file(a)), HasSubstr(dir_ / "a.gguf"));
  EXPECT_THAT(dispatcher_->last_obstacle("a"), HasSubstr(dir_ / "a.gguf"));
  dir_.write("a.gguf", "GGUF");
  EXPECT_EQ(run(dispatcher_->missing_file(a)), "");
}

// --- stops ---------------------------------------------------------------------------------------

TEST_F(DispatcherTest, AnUnloadIsOverWhenTheEngineIsGoneAndNotBefore) {
  use(config({model("a")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  tickets_.clear();
  const int pid = dispatcher_->engine_pid("a");
  dispatcher_->unload({"a"});
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Stopping);
  run(dispatcher_->unloaded("b"));  // of another nothing is resident
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Stopping);
  run(dispatcher_->unloaded("a"));
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Stopped);
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_FALSE(changes_.back().failed);
  EXPECT_THAT(decided(), testing::Contains("a is gone"));
}

TEST_F(DispatcherTest, AnUnloadIsOverWhenItsRunIsGoneThoughAnotherHasBegun) {
  use(config({model("a")}));
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  const int pid = dispatcher_->engine_pid("a");
  tickets_.clear();
  dispatcher_->unload({"a"});
  EXPECT_EQ(enter("a").state(), State::Waiting);
  run(dispatcher_->unloaded("a"));
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_TRUE(becomes(*tickets_[0], State::Admitted)) << "another run serves who waits";
}

TEST_F(DispatcherTest, AnEngineThatDiedTakesNobodyAndItsTicketsKnowWhy) {
  // What it leaves behind does not leave at once.
  use(config(
      {model("a", {"unloadTimeout: 1"},
             "sh -c 'trap \"\" TERM; (while :; do sleep 0.1; done) & echo up; exec sleep 600'")}));
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  ASSERT_TRUE(run_until([this] { return dispatcher_->engine_log("a")->total_bytes() > 0; }));
  ::kill(dispatcher_->engine_pid("a"), SIGKILL);
  ASSERT_TRUE(becomes(*tickets_[0], State::Aborted));
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Stopping) << "something of it is there";
  EXPECT_THAT(tickets_[0]->failure().text.message,
              HasSubstr("the engine of a was killed by signal 9"));
  EXPECT_EQ(tickets_[0]->failure().status, 502);
  bool cut = false;
  tickets_[0]->on_abort([&] { cut = true; });
  EXPECT_EQ(enter("a").state(), State::Waiting);
  EXPECT_TRUE(becomes("a", EngineState::Stopped));
  EXPECT_TRUE(cut) << "a connection outlives its engine";
  EXPECT_TRUE(becomes(*tickets_[1], State::Admitted)) << "the next run serves it";
}

TEST_F(DispatcherTest, WhoHasWaitedLongEnoughHurriesThoseWhoAreServed) {
  use(config({model("a", {"concurrencyLimit: 1"})}, "schedule: {maxWait: 1s}\n"));
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  enter("a");
  int calls = 0;
  tickets_[0]->on_hurry([&] { ++calls; });
  EXPECT_EQ(tickets_[0]->hurried_by(), "");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  EXPECT_THAT(tickets_[0]->hurried_by(), HasSubstr("longer than 1 s"));
  tickets_[0]->on_hurry([&] { ++calls; });
  EXPECT_EQ(calls, 2) << "whoever listens later hears it, too";
}

TEST_F(DispatcherTest, IdleConnectionsGoBeforeTheEngineIsAskedToLeave) {
  use(config({model("a")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  server_ = std::make_unique<test::ScriptedServer>(
      group_, [](const std::string&) { return test::http_answer(200); }, ports_["a"]);
  const Endpoint endpoint = tickets_[0]->endpoint();
  auto lease = run(pool_.connect(endpoint, 1s, true));
  ASSERT_TRUE(lease);
  pool_.give_back(endpoint, std::move(lease->stream), 60s);
  tickets_.clear();
  dispatcher_->unload({std::nullopt});
  lease = run(pool_.connect(endpoint, 1s, false));
  ASSERT_TRUE(lease);
  EXPECT_FALSE(lease->reused);
}

TEST_F(DispatcherTest, AStopIsForItsOwnEngineOnly) {
  use(config({model("a"), model("b")}, kSideBySide));
  for (const char* const id : {"a", "b"}) ASSERT_TRUE(becomes(enter(id), State::Admitted));
  tickets_.clear();
  for (const char* const id : {"a", "b"}) {
    tickets_.push_back(dispatcher_->enter_if_ready(config_->models.at(id), "v"));
  }
  dispatcher_->unload({"a"});
  EXPECT_EQ(tickets_[0]->state(), State::Aborted);
  EXPECT_EQ(tickets_[1]->state(), State::Admitted);
  run(dispatcher_->unloaded("a"));
  EXPECT_EQ(dispatcher_->engine_state("b"), EngineState::Ready);
}

TEST_F(DispatcherTest, TheModelSaysHowItKeepsItsRoom) {
  use(config({model("a", {"unevictable: true"}), model("b"), model("c", {"baseline: true"}),
              model("d", {"ttl: 1"})},
             "schedule: {minResidency: 0s, linger: 0s}\n"));
  ASSERT_TRUE(becomes(enter("a"), State::Admitted));
  tickets_.clear();
  EXPECT_TRUE(becomes(enter("b"), State::Refused));
  tickets_.clear();
  dispatcher_->unload({"a"});
  ASSERT_TRUE(becomes("a", EngineState::Stopped));
  ASSERT_TRUE(becomes(enter("d"), State::Admitted));
  tickets_.clear();
  EXPECT_TRUE(becomes("c", EngineState::Ready)) << "the baseline comes back";
}

TEST_F(DispatcherTest, OneDeadlineFollowsTheOther) {
  use(config({model("a", {"ttl: 1"}), model("b", {"ttl: 2"})}, kSideBySide));
  for (const char* const id : {"a", "b"}) ASSERT_TRUE(becomes(enter(id), State::Admitted));
  tickets_.clear();
  EXPECT_TRUE(becomes("a", EngineState::Stopped));
  EXPECT_EQ(dispatcher_->engine_state("b"), EngineState::Ready);
  EXPECT_TRUE(becomes("b", EngineState::Stopped));
}

TEST_F(DispatcherTest, AnIdleModelIsUnloadedAfterItsTtlAndAgainAfterTheNext) {
  use(config({model("a", {"ttl: 1"})}));
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(becomes(enter("a"), State::Admitted));
    const auto left_at = std::chrono::steady_clock::now();
    tickets_.clear();
    ASSERT_TRUE(becomes("a", EngineState::Stopped));
    EXPECT_GE(std::chrono::steady_clock::now() - left_at, 990ms);
  }
}

TEST_F(DispatcherTest, AShutdownRefusesWhoWaitsAndEndsWhenTheRunningHaveLeft) {
  use(config({model("a", {"concurrencyLimit: 1"})}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  AdmissionTicket& waiting = enter("a");
  bool over = false;
  group_.spawn(keep_done(dispatcher_->shut_down(), over));
  ASSERT_TRUE(becomes(waiting, State::Refused));
  EXPECT_TRUE(dispatcher_->is_shutting_down());
  EXPECT_EQ(enter("a").state(), State::Refused);
  EXPECT_EQ(tickets_[0]->state(), State::Admitted);
  EXPECT_FALSE(over);
  tickets_.clear();
  EXPECT_TRUE(run_until([&] { return over; }));
  EXPECT_EQ(dispatcher_->engine_state("a"), EngineState::Stopped);
}

TEST_F(DispatcherTest, AShutdownAtOnceCutsTheRunningAndSaysWhy) {
  use(config({model("a")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  dispatcher_->shut_down_now();
  EXPECT_EQ(tickets_[0]->state(), State::Aborted);
  EXPECT_THAT(tickets_[0]->abort_reason(), HasSubstr("at once"));
}

// --- reloads -------------------------------------------------------------------------------------

TEST_F(DispatcherTest, AReloadThatLeavesAModelAsItIsLeavesItsEngine) {
  use(config({model("a")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  const int pid = dispatcher_->engine_pid("a");
  EXPECT_THAT(dispatcher_->adopt(config({model("a", {"ttl: 60"}), model("b")})), IsEmpty());
  EXPECT_EQ(tickets_[0]->state(), State::Admitted);
  EXPECT_EQ(dispatcher_->engine_pid("a"), pid);
}

TEST_F(DispatcherTest, AReloadThatMovesAModelSendsNewcomersToItsNewAddress) {
  use(config({model("a")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  const std::uint16_t before = ports_["a"];
  ports_["a"] = test::free_port();
  EXPECT_THAT(dispatcher_->adopt(config({model("a")})), ElementsAre("a"));
  AdmissionTicket& newcomer = enter("a");  // it came by the old configuration
  EXPECT_EQ(newcomer.state(), State::Waiting) << "the old engine takes nobody new";
  EXPECT_EQ(tickets_[0]->state(), State::Admitted) << "and ends whom it has";
  EXPECT_EQ(tickets_[0]->endpoint().port, before);
  tickets_.erase(tickets_.begin());
  ASSERT_TRUE(becomes(newcomer, State::Admitted));
  EXPECT_EQ(newcomer.endpoint().port, ports_["a"]);
}

TEST_F(DispatcherTest, ANewModelMayHaveThePortOfOneThatWasRemoved) {
  const std::string listens = test::built_program("fake_engine") + " --name x --port ";
  ports_["b"] = ports_["a"] = test::free_port();
  const std::string cmd = listens + std::to_string(ports_["a"]);
  use(config({model("a", {"checkEndpoint: /health"}, cmd)}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  auto next = config({model("b", {"checkEndpoint: /health"}, cmd)});
  EXPECT_THAT(dispatcher_->adopt(next), ElementsAre("a"));
  config_ = next;
  AdmissionTicket& newcomer = enter("b");
  EXPECT_EQ(tickets_[0]->state(), State::Admitted);
  tickets_.erase(tickets_.begin());
  EXPECT_TRUE(run_until([&] { return newcomer.state() != State::Waiting; }));
  EXPECT_EQ(newcomer.state(), State::Admitted) << newcomer.failure().text.message;
}

TEST_F(DispatcherTest, TheLogOfAModelThatWasRemovedIsKeptAsLongAsItRuns) {
  use(config({model("a"), model("b")}));
  enter("a");
  ASSERT_TRUE(becomes(*tickets_[0], State::Admitted));
  EXPECT_THAT(dispatcher_->adopt(config({model("c")})), ElementsAre("a"));
  EXPECT_NE(dispatcher_->engine_log("a"), nullptr);
  EXPECT_EQ(dispatcher_->engine_log("b"), nullptr);
  EXPECT_NE(dispatcher_->engine_log("c"), nullptr);
  tickets_.clear();
  EXPECT_TRUE(run_until([this] { return dispatcher_->engine_log("a") == nullptr; }));
}

TEST_F(DispatcherTest, ALaunchHasAllThatIsSaidOfItsModel) {
  use(config(
      {model("a", {"env: [K=V]", "cmdStop: stop it", "checkEndpoint: /ok", "unloadTimeout: 7"})}));
  const Launch launch = launch_of(config_->models.at("a"));
  EXPECT_EQ(launch.model, "a");
  EXPECT_EQ(launch.argv.front(), "sh");
  EXPECT_THAT(launch.env, ElementsAre("K=V"));
  EXPECT_EQ(launch.cmd_stop, "stop it");
  EXPECT_EQ(launch.check_endpoint, "/ok");
  EXPECT_EQ(launch.endpoint.port, ports_["a"]);
  EXPECT_EQ(launch.unload_timeout, 7s);
  EXPECT_EQ(launch.health_timeout, config_->models.at("a").health_check_timeout);
}

TEST_F(DispatcherTest, AWaitForTheEndOfAnEngineEndsWithTheTaskThatWaits) {
  use(config({model("a")}));
  AdmissionTicket& ticket = enter("a");
  ASSERT_TRUE(becomes(ticket, State::Admitted));
  std::optional<bool> ended;
  const TaskGroup::Handle waits = group_.spawn(keep(ticket.ends_within(1h), ended));
  run_until([&] { return io_.poll_one() == 0; });
  waits.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
  EXPECT_FALSE(*ended);
}

// --- what it says of itself ----------------------------------------------------------------------

TEST_F(DispatcherTest, APriorityIsThatOfTheNameOrElseOfItsModel) {
  use(config({model("a", {"aliases: [fast, slow]"}), model("b")},
             "routing: {scheduler: {use: fifo, settings: {fifo: {priority: {a: 3, fast: 9}}}}}\n"));
  const ModelConfig& a = config_->models.at("a");
  EXPECT_EQ(dispatcher_->priority("fast", a), 9);
  EXPECT_EQ(dispatcher_->priority("slow", a), 3);
  EXPECT_EQ(dispatcher_->priority("a", a), 3);
  EXPECT_EQ(dispatcher_->priority("b", config_->models.at("b")), 0);
}

TEST_F(DispatcherTest, OfAModelThatNobodyKnowsThereIsNothing) {
  use(config({model("a")}));
  EXPECT_EQ(dispatcher_->engine_state("x"), EngineState::Stopped);
  EXPECT_EQ(dispatcher_->engine_pid("x"), 0);
  EXPECT_EQ(dispatcher_->engine_log("x"), nullptr);
  EXPECT_EQ(dispatcher_->last_obstacle("x"), "");
  EXPECT_EQ(dispatcher_->started_for("x"), "");
  EXPECT_EQ(dispatcher_->load("x"), "");
}

}  // namespace
}  // namespace rouse
