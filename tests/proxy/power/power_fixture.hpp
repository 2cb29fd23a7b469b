#pragma once

#include "base/http/server.hpp"
#include "base/process/spawn.hpp"
#include "proxy/config/config.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/power/power.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rouse {

/// The power state of a proxy with one model, whose engine is a shell, and a listener that answers
/// nobody; the daemon is the test.
class PowerFixture : public StreamFixture {
 protected:
  static void SetUpTestSuite() { become_subreaper(); }
  PowerFixture() {
    const auto listens = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(listens);
    listener_.host = "127.0.0.1";
    listener_.port = static_cast<std::uint16_t>(std::stoi(listens->substr(listens->find(':') + 1)));
    power_.guard(server_);
    power_.on_wake([this](const std::vector<std::string>& models) { woken_.push_back(models); });
    dispatcher_.on_change([this](const EngineChange&) { power_.engine_changed(); });
  }
  void TearDown() override {
    ticket_.reset();
    dispatcher_.shut_down_now();
    run(dispatcher_.shut_down());
    server_.stop_accepting();
    pool_.clear();
    StreamFixture::TearDown();
  }

  static std::shared_ptr<const Config> config() {
    const std::string text = fmt::format(
        "models:\n  a:\n    cmd: sh -c 'trap \"exit 0\" TERM; echo up; while :; do sleep 0.02; "
        "done'\n"
        "    proxy: http://127.0.0.1:{}\n    checkEndpoint: none\n"
        "  stubborn:\n    cmd: sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.02; done'\n"
        "    proxy: http://127.0.0.1:{}\n    checkEndpoint: none\n    unloadTimeout: 2\n",
        test::free_port(), test::free_port());
    return parse_config(text, "c.yaml").config;
  }

  // --- the daemon --------------------------------------------------------------------------------

  /// What answers a drain.
  std::optional<core::power::Action> drain(const std::string& lease,
                                           std::chrono::milliseconds ttl = std::chrono::hours(1),
                                           bool force = false) {
    core::power::DrainAsked asked;
    asked.lease = lease;
    asked.ttl = ttl;
    asked.reason = "idle";
    asked.force = force;
    asked.busy = power_.busy();
    return power_.ask(asked);
  }
  template <class Action>
  static bool is(const std::optional<core::power::Action>& action) {
    return action && std::holds_alternative<Action>(*action);
  }
  static core::power::Deny denied(const std::optional<core::power::Action>& action) {
    EXPECT_TRUE(is<core::power::Refuse>(action));
    return std::get<core::power::Refuse>(*action).why;
  }
  /// The machine goes to sleep: a lease, and a commit that is answered.
  void suspend(const std::string& lease = "l") {
    ASSERT_TRUE(is<core::power::Grant>(drain(lease)));
    core::power::CommitAsked asked;
    asked.lease = lease;
    asked.busy = power_.busy();
    asked.subscribers = power_.subscribers().listeners();
    std::optional<core::power::Action> answer = power_.ask(asked);
    if (!answer) answer = run(power_.committed());
    ASSERT_TRUE(is<core::power::Committed>(answer));
    epoch_ = std::get<core::power::Committed>(*answer).epoch;
  }
  std::optional<core::power::Action> resumed(std::chrono::milliseconds slept) {
    return power_.ask(core::power::ResumeReported{epoch_, slept, "a magic packet"});
  }

  // --- who sends work ----------------------------------------------------------------------------

  std::variant<std::unique_ptr<Power::Work>, Failure> begin(const std::string& attempt = {},
                                                            std::string_view sender = "a") {
    RequestHead head;
    head.method = "POST";
    head.target = "/v1/chat/completions";
    if (!attempt.empty()) head.fields.add("x-request-attempt", attempt);
    return power_.begin(head, sender);
  }
  static bool admitted(const std::variant<std::unique_ptr<Power::Work>, Failure>& begun) {
    return std::holds_alternative<std::unique_ptr<Power::Work>>(begun);
  }
  bool can_connect() {
    const auto lease = run(pool_.connect(listener_, std::chrono::seconds(1), true));
    return static_cast<bool>(lease);
  }
  /// Its engine is there, and nobody uses it.
  void load(const std::string& model = "a") {
    ticket_ = dispatcher_.enter(config_->models.at(model), 0, "r");
    ASSERT_TRUE(run_until([this] { return ticket_->state() == AdmissionTicket::State::Admitted; }));
    // Only then does it hear signals in its own way.
    const LogRing& log = *dispatcher_.engine_log(model);
    ASSERT_TRUE(run_until([&] { return log.text().find("up") != std::string::npos; }));
    ticket_.reset();
  }

  std::shared_ptr<const Config> config_ = config();
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  EngineRegistry registry_{{}};
  Dispatcher dispatcher_{config_, group_, pool_, registry_};
  Recorder recorder_{io_.get_executor(), *config_};
  Power power_{group_, dispatcher_, recorder_};
  HttpServer server_{group_,
                     [](std::unique_ptr<HttpStream> client, std::string) -> Task<void> {
                       const auto nothing = co_await client->read_request();
                       EXPECT_FALSE(nothing && *nothing);
                     },
                     HttpLimits(), deadlines_, 100};
  Endpoint listener_;
  std::unique_ptr<AdmissionTicket> ticket_;
  std::uint64_t epoch_ = 0;
  std::vector<std::vector<std::string>> woken_;
};

}  // namespace rouse
