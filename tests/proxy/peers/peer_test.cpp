#include "proxy/peers/peer.hpp"

#include "base/http/pool.hpp"
#include "proxy/peers/peers.hpp"
#include "proxy/telemetry/metrics_peers.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/proxy/scripted_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>
#include <prometheus/registry.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using core::peer::Phase;
using test::http_answer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using State = AdmissionTicket::State;

/// A machine: answers by the path, and what is not in the map is a 404.
class Machine {
 public:
  explicit Machine(TaskGroup& group, std::uint16_t port = 0)
      : server_(
            group, [this](const std::string& request) { return answer(request); }, port) {}

  static std::string path_of(const std::string& request) {
    const std::size_t begin = request.find(' ') + 1;
    return request.substr(begin, request.find(' ', begin) - begin);
  }
  [[nodiscard]] int asked(const std::string& path) const {
    int n = 0;
    for (const std::string& each : server_.requests()) n += path_of(each) == path;
    return n;
  }
  /// The last request for @p path; empty: there was none.
  [[nodiscard]] std::string last(const std::string& path) const {
    std::string found;
    for (const std::string& each : server_.requests()) {
      if (path_of(each) == path) found = each;
    }
    return found;
  }
  [[nodiscard]] Endpoint endpoint() const {
    Endpoint endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.port = server_.port();
    return endpoint;
  }
  /// It is another rouse, in this state of power.
  void is_rouse(const std::string& state = "awake", int epoch = 1) {
    answers["/v1/power"] = http_answer(200, news(state, epoch));
    answers["/v1/power/events"] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n";
  }
  void is_foreign() { answers["/health"] = http_answer(200); }
  static std::string news(const std::string& state, int epoch,
                          const std::string& mac = "02:00:00:00:00:01") {
    return R"({"state":")" + state + R"(","boot_id":"b","epoch":)" + std::to_string(epoch) +
           R"(,"wake":{"macs":[{"mac":")" + mac + "\"}]}}";
  }
  void say(const std::string& news) { server_.say("event: power\ndata: " + news + "\n\n"); }

  void hang_up() { server_.hang_up(); }

  std::map<std::string, std::optional<std::string>> answers;

 private:
  std::optional<std::string> answer(const std::string& request) {
    const auto it = answers.find(path_of(request));
    return it == answers.end() ? http_answer(404) : it->second;
  }

  test::ScriptedServer server_;
};

class PeerTest : public StreamFixture {
 protected:
  using Peer = rouse::Peer;  // and not the fixture's
  /// The tasks that run when the peer has none: the machines listen.
  static constexpr std::size_t kMachines = 2;

  PeerTest() {
    config_.endpoint = box_.endpoint();
    config_.api_key = "secret";
  }
  void TearDown() override {
    ticket_.reset();
    if (peer_) peer_->retire("the test is over");
    if (second_) second_->retire("the test is over");
    pool_.clear();
    StreamFixture::TearDown();
  }

  Peer& peer() {
    if (!peer_) peer_ = std::make_shared<Peer>("box", config_, world_);
    return *peer_;
  }
  std::unique_ptr<AdmissionTicket> enter(bool may_wake = true, std::string agent = "curl") {
    PeerRequest request;
    request.who.agent = std::move(agent);
    request.who.address = "192.0.2.1";
    request.who.model = "m";
    request.may_wake = may_wake;
    request.why_not = "it may not wake it";
    return peer().enter("m", std::move(request));
  }
  State decided(const AdmissionTicket& ticket) {
    EXPECT_TRUE(run_until([&] { return ticket.state() != State::Waiting; })) << "it still waits";
    return ticket.state();
  }
  /// Brings it to Awake by a request, which is then over.
  void meet() {
    ticket_ = enter();
    ASSERT_EQ(decided(*ticket_), State::Admitted);
    ticket_.reset();
  }
  /// It sleeps, and is woken by a hook that the test hears.
  void sleeps() {
    core::peer::Memory asleep;
    asleep.asleep = true;
    PeerMemory memory;
    memory.state = asleep;
    ASSERT_TRUE(write_peer_memory(peer_memory_file(dir_.path(), "box"), memory));
    hook_.answers["/on"] = http_answer(200);
    WakeConfig wake;
    wake.debounce = 0ms;
    wake.plan.broadcasts = false;
    wake.plan.hook = WakeHook{"POST", hook_.endpoint(), "/on", {}, {}};
    config_.wake = wake;
    box_.answers["/v1/power"] = http_answer(503);
    box_.answers["/health"] = http_answer(503);
  }

  test::TempDir dir_;
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  prometheus::Registry registry_;
  PeerMetrics metrics_{registry_};
  WakeLedger ledger_;
  DecisionLog decisions_;
  int changes_ = 0;
  int idle_ = 0;
  PeerWorld world_{group_,
                   pool_,
                   deadlines_,
                   metrics_,
                   ledger_,
                   decisions_,
                   dir_.path(),
                   [this] { ++changes_; },
                   [this] { ++idle_; }};
  Machine box_{group_};
  Machine hook_{group_};
  PeerConfig config_;
  std::shared_ptr<Peer> peer_;
  std::shared_ptr<Peer> second_;
  std::unique_ptr<AdmissionTicket> ticket_;
};

// --- tickets -------------------------------------------------------------------------------------

TEST_F(PeerTest, ARequestWaitsUntilItHasAnsweredAndGoesToItsEndpoint) {
  box_.is_foreign();
  ticket_ = enter();
  EXPECT_EQ(ticket_->state(), State::Waiting);
  EXPECT_THAT(peer().waiting(), SizeIs(1));
  EXPECT_FALSE(peer().is_up());
  EXPECT_EQ(decided(*ticket_), State::Admitted);
  EXPECT_EQ(ticket_->endpoint(), config_.endpoint);
  EXPECT_EQ(ticket_->wake_time(), core::Duration{0}) << "it woke nothing";
  EXPECT_THAT(peer().waiting(), IsEmpty());
  EXPECT_TRUE(peer().is_up());
  EXPECT_FALSE(peer().is_idle());
  ticket_.reset();
  EXPECT_TRUE(peer().is_idle());
  EXPECT_EQ(idle_, 1);
  EXPECT_THAT(box_.last("/health"), HasSubstr("authorization: Bearer secret\r\n"));
}

TEST_F(PeerTest, ATicketIfReadyIsForOneThatIsUpOnly) {
  box_.is_foreign();
  EXPECT_EQ(peer().enter_if_ready("m", "id"), nullptr);
  meet();
  ticket_ = peer().enter_if_ready("m", "id");
  ASSERT_NE(ticket_, nullptr);
  EXPECT_EQ(ticket_->state(), State::Admitted);
  EXPECT_EQ(ticket_->endpoint(), config_.endpoint);
  EXPECT_EQ(ticket_->request_id(), "id");
  EXPECT_THAT(peer().waiting(), IsEmpty());
  const int idle_before = idle_;
  ticket_.reset();
  EXPECT_EQ(idle_, idle_before + 1);
}

TEST_F(PeerTest, OneThatIsUpWithoutItsServiceRefusesWhoHasAnother) {
  Endpoint nobody = config_.endpoint;
  nobody.port = test::free_port();
  config_.endpoint = nobody;
  PeerRequest request;
  request.has_other = true;
  ticket_ = peer().enter("m", request);
  ASSERT_EQ(decided(*ticket_), State::Refused);
  EXPECT_EQ(ticket_->failure().status, 503);
  EXPECT_EQ(ticket_->failure().text.code, "peer_unreachable");
  EXPECT_TRUE(ticket_->failure().elsewhere);
  EXPECT_FALSE(peer().is_up());
}

TEST_F(PeerTest, WhoeverLeavesWaitsNoLonger) {
  box_.answers["/v1/power"] = std::nullopt;
  ticket_ = enter();
  EXPECT_EQ(peer().view().waiting, 1u);
  ticket_.reset();
  EXPECT_EQ(peer().view().waiting, 0u);
}

TEST_F(PeerTest, OfModelsThatAreNamedOnlyWhatTheyCanDoIsLearned) {
  config_.models = {"m"};
  box_.is_foreign();
  box_.answers["/v1/models"] =
      http_answer(200, R"({"data":[{"id":"m","max_model_len":4096},{"id":"x"}]})");
  meet();
  ASSERT_TRUE(run_until([this] { return peer().capabilities("m").context == 4096; }));
  EXPECT_TRUE(peer().capabilities("x").is_empty());
  EXPECT_THAT(Peers::models_of(peer()), ElementsAre("m"));
  second_ = std::make_shared<Peer>("box", config_, world_);
  EXPECT_EQ(second_->capabilities("m").context, 4096) << "also while it sleeps";
  peer().ended(200);
  EXPECT_TRUE(run_until([this] { return group_.size() == kMachines; }));
  EXPECT_EQ(box_.asked("/v1/models"), 1) << "the list is fresh";
}

TEST_F(PeerTest, AListOfModelsThatFailsLosesNothing) {
  config_.learns_models = true;
  PeerMemory memory;
  memory.models = {"old"};
  ASSERT_TRUE(write_peer_memory(peer_memory_file(dir_.path(), "box"), memory));
  box_.is_foreign();
  box_.answers["/v1/models"] = http_answer(500);
  meet();
  ASSERT_TRUE(run_until([this] { return group_.size() == kMachines; }));
  EXPECT_EQ(box_.asked("/v1/models"), 1);
  EXPECT_THAT(peer().memory().models, ElementsAre("old"));
}

TEST_F(PeerTest, TooManyWhoWaitAreToldToComeBack) {
  config_.hold.max = 1;
  box_.answers["/v1/power"] = std::nullopt;  // thinks about it
  ticket_ = enter();
  const auto another = enter();
  ASSERT_EQ(another->state(), State::Refused);
  EXPECT_EQ(another->failure().text.code, "peer_busy");
  EXPECT_TRUE(another->failure().passing);
  EXPECT_GE(another->failure().retry_after_s, 1);
  EXPECT_THAT(another->failure().text.message, StartsWith("peer box "));
  EXPECT_EQ(ticket_->state(), State::Waiting);
}

TEST_F(PeerTest, TheBodiesOfThoseWhoWaitAreCounted) {
  config_.hold.bytes = 1'000;
  box_.answers["/v1/power"] = std::nullopt;
  ticket_ = enter();
  peer().grew(*ticket_, 1'000);
  EXPECT_EQ(ticket_->state(), State::Waiting);
  peer().grew(*ticket_, 1'001);
  EXPECT_EQ(ticket_->state(), State::Refused);
}

TEST_F(PeerTest, OneThatWasTurnedAwayWaitsAgainAndItIsAskedAnew) {
  box_.is_foreign();
  ticket_ = enter();
  ASSERT_EQ(decided(*ticket_), State::Admitted);
  const int asked = box_.asked("/health");
  peer().turned_away(*ticket_, false);
  EXPECT_EQ(ticket_->state(), State::Waiting);
  EXPECT_EQ(decided(*ticket_), State::Admitted);
  EXPECT_GT(box_.asked("/health"), asked);
}

TEST_F(PeerTest, ACutEndsWhatIsOnItsWayAndNobodyWhoWaits) {
  box_.is_foreign();
  ticket_ = enter();
  ASSERT_EQ(decided(*ticket_), State::Admitted);
  bool cut = false;
  ticket_->on_abort([&] { cut = true; });
  box_.answers["/health"] = std::nullopt;
  const auto waiting = enter();
  peer().turned_away(*waiting, false);
  ASSERT_EQ(waiting->state(), State::Waiting);
  peer().cut();
  EXPECT_TRUE(cut);
  EXPECT_EQ(ticket_->state(), State::Aborted);
  EXPECT_THAT(ticket_->abort_reason(), HasSubstr("shutting down"));
  EXPECT_EQ(waiting->state(), State::Waiting);
}

TEST_F(PeerTest, OneThatIsRetiredRefusesWhoWaitsAndIsNotAskedAgain) {
  box_.answers["/v1/power"] = std::nullopt;
  ticket_ = enter();
  ASSERT_TRUE(run_until([this] { return box_.asked("/v1/power") == 1; }));
  peer().retire("was removed from the configuration");
  ASSERT_EQ(ticket_->state(), State::Refused);
  EXPECT_THAT(ticket_->failure().text.message, HasSubstr("was removed from the configuration"));
  EXPECT_TRUE(run_until([this] { return group_.size() == kMachines; })) << "it is asked no more";
  EXPECT_EQ(box_.asked("/v1/power"), 1);
  EXPECT_FALSE(std::filesystem::exists(peer_memory_file(dir_.path(), "box")))
      << "the file may be another's by now";
}

// --- a reload ------------------------------------------------------------------------------------

TEST_F(PeerTest, AReloadThatMovesItTakesThoseWhoWaitAlong) {
  box_.answers["/v1/power"] = std::nullopt;
  ticket_ = enter();
  ASSERT_TRUE(run_until([this] { return box_.asked("/v1/power") == 1; }));
  Machine moved(group_);
  moved.is_foreign();
  config_.endpoint = moved.endpoint();
  peer().adopt(config_);
  EXPECT_EQ(decided(*ticket_), State::Admitted);
  EXPECT_EQ(ticket_->endpoint(), moved.endpoint());
  EXPECT_GT(moved.asked("/health"), 0);
}

TEST_F(PeerTest, AReloadThatMovesItKeepsNoConnectionToWhereItWas) {
  box_.is_foreign();
  meet();
  auto lease = run(pool_.connect(config_.endpoint, 1s, true));
  ASSERT_TRUE(lease);
  pool_.give_back(config_.endpoint, std::move(lease->stream), 60s);
  const Endpoint before = config_.endpoint;
  Machine moved(group_);
  config_.endpoint = moved.endpoint();
  peer().adopt(config_);
  lease = run(pool_.connect(before, 1s, false));
  ASSERT_TRUE(lease);
  EXPECT_FALSE(lease->reused);
}

TEST_F(PeerTest, AReloadThatMovesItAsksAnewWhetherItIsARouse) {
  box_.is_foreign();
  meet();
  EXPECT_EQ(box_.asked("/v1/power"), 1);
  Machine moved(group_);
  moved.is_rouse();
  config_.endpoint = moved.endpoint();
  peer().adopt(config_);
  ticket_ = enter();
  ASSERT_EQ(decided(*ticket_), State::Admitted);
  peer().turned_away(*ticket_, false);  // so that it is asked
  EXPECT_EQ(decided(*ticket_), State::Admitted);
  EXPECT_EQ(moved.asked("/v1/power"), 1);
  EXPECT_TRUE(peer().view().epoch);
}

TEST_F(PeerTest, AReloadThatLeavesItWhereItIsKeepsWhatIsKnown) {
  box_.is_foreign();
  meet();
  config_.hold.max = 5;
  peer().adopt(config_);
  EXPECT_TRUE(peer().is_up());
  ticket_ = enter();
  ASSERT_EQ(decided(*ticket_), State::Admitted);
  peer().turned_away(*ticket_, false);
  EXPECT_EQ(decided(*ticket_), State::Admitted);
  EXPECT_EQ(box_.asked("/v1/power"), 1) << "it is known to be no rouse";
}

// --- waking --------------------------------------------------------------------------------------

TEST_F(PeerTest, ARequestWakesItAndTheLedgerSaysWhoAndHowLong) {
  sleeps();
  ticket_ = enter();
  ASSERT_TRUE(run_until([this] { return hook_.asked("/on") > 0; }));
  EXPECT_EQ(peer().view().phase, Phase::Waking);
  const Wake* wake = ledger_.last_of("box");
  ASSERT_NE(wake, nullptr);
  EXPECT_EQ(wake->outcome, "") << "it is under way";
  EXPECT_EQ(wake->by.agent, "curl");
  EXPECT_GE(wake->volleys, 1);
  box_.is_rouse("awake", 2);
  ASSERT_EQ(decided(*ticket_), State::Admitted);
  EXPECT_GT(ticket_->wake_time(), core::Duration{0});
  EXPECT_EQ(wake->outcome, "ok");
  EXPECT_TRUE(wake->to_network);
  EXPECT_TRUE(wake->to_service);
  EXPECT_FALSE(wake->to_first_byte);
  peer().answered(*ticket_);
  EXPECT_TRUE(wake->to_first_byte);
}

TEST_F(PeerTest, ARequestThatMayNotWakeItIsRefusedAndNothingIsSent) {
  sleeps();
  box_.answers["/v1/power"] = std::nullopt;
  ticket_ = enter(false);
  ASSERT_EQ(decided(*ticket_), State::Refused);
  EXPECT_EQ(ticket_->failure().text.code, "peer_asleep");
  EXPECT_FALSE(ticket_->failure().passing) << "to come back would not help";
  EXPECT_TRUE(ticket_->failure().elsewhere);
  EXPECT_EQ(hook_.asked("/on"), 0);
}

TEST_F(PeerTest, AnOperatorWakesItInTheirOwnName) {
  sleeps();
  Waker operator_of_it;
  operator_of_it.key = "ops";
  peer().wake(operator_of_it);
  ASSERT_TRUE(run_until([this] { return hook_.asked("/on") > 0; }));
  ASSERT_NE(ledger_.last_of("box"), nullptr);
  EXPECT_EQ(ledger_.last_of("box")->by.key, "ops");
}

TEST_F(PeerTest, OneThatDoesNotWakeInTimeFailsAndSaysSo) {
  sleeps();
  config_.wake->timeout = 300ms;
  ticket_ = enter();
  ASSERT_EQ(decided(*ticket_), State::Refused);
  EXPECT_EQ(ticket_->failure().text.code, "peer_wake_failed");
  EXPECT_TRUE(ticket_->failure().elsewhere);
  EXPECT_EQ(ledger_.last_of("box")->outcome, "timeout");
  EXPECT_EQ(peer().view().phase, Phase::Failed);
}

// --- what another rouse says ---------------------------------------------------------------------

class RousePeer : public PeerTest {
 protected:
  RousePeer() {
    box_.is_rouse();
    config_.wake = WakeConfig();
    config_.wake->plan.broadcasts = false;
  }
  void listens() {
    meet();
    ASSERT_TRUE(run_until([this] { return box_.asked("/v1/power/events") == 1; }));
  }
};

TEST_F(RousePeer, ItsSleepIsAcknowledgedAndBelieved) {
  listens();
  box_.answers["/v1/power/ack"] = http_answer(204);
  box_.say(Machine::news("suspending", 2));
  ASSERT_TRUE(run_until([this] { return box_.asked("/v1/power/ack") == 1; }));
  EXPECT_THAT(box_.last("/v1/power/ack"),
              AllOf(StartsWith("POST "), HasSubstr("authorization: Bearer secret"),
                    HasSubstr("{\"epoch\":2}")));
  EXPECT_EQ(peer().view().phase, Phase::Asleep);
  EXPECT_FALSE(peer().is_up());
  EXPECT_TRUE(read_peer_memory(peer_memory_file(dir_.path(), "box")).state.asleep);
}

TEST_F(RousePeer, ADrainIsBelievedAndNotAcknowledged) {
  listens();
  box_.say(Machine::news("draining", 1));
  ASSERT_TRUE(run_until([this] { return peer().view().phase == Phase::Draining; }));
  EXPECT_TRUE(peer().is_up()) << "a request keeps it awake";
  box_.answers["/v1/power/ack"] = http_answer(204);
  box_.say(Machine::news("suspending", 2));
  ASSERT_TRUE(run_until([this] { return box_.asked("/v1/power/ack") > 0; }));
  EXPECT_TRUE(run_until([this] { return group_.size() <= kMachines + 1; }));
  EXPECT_EQ(box_.asked("/v1/power/ack"), 1) << "of the sleep alone";
}

TEST_F(RousePeer, ItsCardsAreLearnedAndKept) {
  meet();
  EXPECT_THAT(peer().macs(), ElementsAre("02:00:00:00:00:01"));
  ASSERT_TRUE(run_until([this] { return box_.asked("/v1/power/events") == 1; }));
  box_.say(Machine::news("awake", 1, "02:00:00:00:00:02"));
  EXPECT_TRUE(
      run_until([this] { return peer().macs() == std::vector<std::string>{"02:00:00:00:00:02"}; }));
  EXPECT_THAT(read_peer_memory(peer_memory_file(dir_.path(), "box")).macs, SizeIs(1));
  second_ = std::make_shared<Peer>("box", config_, world_);
  EXPECT_THAT(second_->macs(), ElementsAre("02:00:00:00:00:02")) << "after a restart, too";
}

TEST_F(RousePeer, CardsThatAreNotToBeLearnedAreNot) {
  config_.wake->learns_macs = false;
  meet();
  EXPECT_THAT(peer().macs(), IsEmpty());
  EXPECT_THAT(peer().memory().macs, IsEmpty());
}

TEST_F(RousePeer, TheEndOfItsStreamMakesItBeAsked) {
  listens();
  const int asked = box_.asked("/v1/power");
  box_.hang_up();
  EXPECT_TRUE(run_until([&] { return box_.asked("/v1/power") > asked; }));
}

TEST_F(RousePeer, OneThatLetsNobodyListenIsNotAskedForItAgain) {
  box_.answers["/v1/power/events"] = http_answer(403);
  listens();
  EXPECT_TRUE(run_until([this] { return group_.size() == kMachines; }));
  EXPECT_TRUE(peer().is_up());
}

TEST_F(RousePeer, ItsModelsAreLearnedWhenItIsMetAndKept) {
  config_.learns_models = true;
  box_.answers["/v1/models"] = http_answer(200, R"({"data":[{"id":"a"},{"id":"b"}]})");
  meet();
  ASSERT_TRUE(run_until([this] { return !peer().memory().models.empty(); }));
  EXPECT_THAT(peer().memory().models, ElementsAre("a", "b"));
  EXPECT_GT(changes_, 0);
  second_ = std::make_shared<Peer>("box", config_, world_);
  EXPECT_THAT(second_->memory().models, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace rouse
