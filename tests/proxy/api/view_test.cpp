// What the proxy tells of its models, of who waits, and why.
#include "base/text/sha256.hpp"
#include "tests/proxy/api/api_world.hpp"

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class ApiViews : public ApiWorld {
 protected:
  /// The entry of @p id in the list of models.
  std::string listed(const std::string& id) {
    const std::string all = get("/v1/models").body;
    const std::size_t begin = all.find("{\"id\":\"" + id + "\"");
    if (begin == std::string::npos) return {};
    return all.substr(begin, all.find("{\"id\":\"", begin + 1) - begin);
  }
};

TEST_F(ApiViews, TheListHasWhatCanBeAskedFor) {
  start_api(
      "groups: {both: {swap: false, members: [small, big]}}\n"
      "selectors:\n  pinned: {strategy: pin, targets: [small, big]}\n"
      "  warm: {strategy: warm, targets: [small, big], name: W}\n"
      "  wide: {strategy: spillover, targets: [small, big], settings: {spillover: 3}}\n"
      "  secret: {strategy: warm, targets: [big], unlisted: true}\n"
      "profiles: {night: {pins: {odd: big, off: \"\", small: big}}}\n");
  load("big");
  EXPECT_THAT(listed("big"), AllOf(HasSubstr(R"("name":"Big")"), HasSubstr(R"("value":"loaded")"),
                                   HasSubstr(R"("aliases":["large"])")));
  EXPECT_THAT(listed("small"), HasSubstr(R"("value":"unloaded")"));
  EXPECT_EQ(listed("hidden"), "");
  EXPECT_EQ(listed("secret"), "");
  EXPECT_THAT(listed("pinned"), HasSubstr(R"("value":"unloaded")"))
      << "only its first target counts";
  EXPECT_THAT(listed("warm"),
              AllOf(HasSubstr(R"("value":"loaded")"), HasSubstr(R"("targets":["small","big"])")));
  EXPECT_THAT(listed("wide"), HasSubstr(R"("spillover":3)"));
  EXPECT_EQ(listed("odd"), "");
  ASSERT_TRUE(proxy().names.activate("night"));
  EXPECT_THAT(listed("odd"), AllOf(HasSubstr("profile"), HasSubstr(R"("value":"loaded")")));
  EXPECT_EQ(listed("off"), "");
}

TEST_F(ApiViews, OneModelIsToldUnderTheNameThatWasAsked) {
  start_api("peers: {attic: {proxy: \"http://127.0.0.1:1\", models: [m]}}\n");
  EXPECT_THAT(get("/v1/models/large").body,
              AllOf(HasSubstr(R"({"id":"large")"), HasSubstr(R"("value":"unloaded")")));
  EXPECT_THAT(get("/v1/models/attic/m").body, HasSubstr(R"({"id":"attic/m")"));
  load("big");
  EXPECT_THAT(get("/v1/models/big").body, HasSubstr(R"("value":"loaded")"));
}

TEST_F(ApiViews, WhatRunsIsToldWithItsCommand) {
  start_api();
  EXPECT_EQ(get("/running").body, R"({"running":[]})");
  load("big");
  EXPECT_EQ(get("/running").body,
            R"({"running":[{"model":"big","state":"ready","cmd":"/bin/sleep 600","proxy":)"
            R"("http://127.0.0.1:)" +
                std::to_string(big_.port()) +
                R"(","ttl":600,"name":"Big","description":"The \"large\" one"}]})");
}

TEST_F(ApiViews, AModelIsExplained) {
  start_api("profiles: {night: {pins: {big: small, off: \"\"}}}\n");
  load("big");
  const std::string all = get("/api/explain").body;
  EXPECT_THAT(all, AllOf(HasSubstr(R"("profile":null)"), HasSubstr(R"("ttl_s":600)"),
                         HasSubstr(R"("aliases":["large","large-*"])"), HasSubstr(R"("pid":)"),
                         HasSubstr(R"("shutting_down":false)")));
  EXPECT_THAT(all, MatchesRegex(R"(.*"unload_in_s":(600\.000|599\.[0-9]+).*)"));
  EXPECT_THAT(all, HasSubstr(R"({"model":"small","state":"stopped","running":0)"))
      << "it never was in another state";
  EXPECT_THAT(get("/api/explain/large").body,
              HasSubstr(R"({"asked":{"name":"large","model":"big"})"));
  ASSERT_TRUE(proxy().names.activate("night"));
  EXPECT_THAT(get("/api/explain/big").body,
              AllOf(HasSubstr(R"({"name":"big","pinned_to":"small","model":"small"})"),
                    HasSubstr(R"("profile":"night")")));
  EXPECT_EQ(get("/api/explain/off").status, 200) << "it is known to be off";
}

TEST_F(ApiViews, APeersModelIsExplained) {
  start_api("peers: {attic: {proxy: \"http://127.0.0.1:1\", models: [model-of-attic]}}\n");
  EXPECT_THAT(get("/api/explain/model-of-attic").body, HasSubstr(R"("peers":["attic"]})"));
  EXPECT_THAT(get("/api/explain/attic").body, HasSubstr(R"("peers":["attic"]})"));
  EXPECT_THAT(get("/api/explain/attic/model-of-atic").body, HasSubstr("attic/model-of-attic\\\""));
}

TEST_F(ApiViews, WhoWaitsIsTold) {
  start_api("keys:\n  agent: {sha256: " + hex_of(sha256("secret")) +
            ", scopes: [infer, observe, control]}\n");
  load("big");
  big_.listen();
  constexpr std::string_view kKey = "Authorization: Bearer secret\r\nX-Request-ID: ";
  const UniqueFd first = ask_and_wait("big", std::string(kKey) + "one\r\n");
  big_.accept();
  const UniqueFd second = ask_and_wait("small", std::string(kKey) + "two\r\n");
  const std::string all = call("GET", "/api/queue", "", "X-Api-Key: secret\r\n").body;
  EXPECT_THAT(all, HasSubstr(R"("waiting":[{"request_id":"two","model":"small","client":"agent",)"
                             R"("address":"127.0.0.1","priority":0,"waiting_s":0.)"));
  EXPECT_THAT(all, HasSubstr(R"("held":{"bytes":)"));
  EXPECT_THAT(all, HasSubstr(R"(,"max":268435456})"));
}

TEST_F(ApiViews, WhatLoadsIsToldOfAsLoading) {
  start_api();
  const UniqueFd client = ask_and_wait("slow", "X-Request-ID: one\r\n");
  ASSERT_TRUE(run_until(
      [this] { return dispatcher().engine_state("slow") == core::EngineState::Starting; }));
  EXPECT_THAT(get("/metrics").body, HasSubstr(R"(phase="loading"} 1)"));
  EXPECT_THAT(get("/api/explain/slow").body, HasSubstr(R"("started_for":"one")"));
}

TEST_F(ApiViews, TheOldestOfAPhaseIsTold) {
  start_api();
  load("big");
  big_.listen();
  const UniqueFd busy = ask_and_wait("big");
  big_.accept();
  const UniqueFd first = ask_and_wait("small");
  const auto& entries = recorder().in_flight.entries();
  const auto began = entries.rbegin()->second->started_at();
  const UniqueFd second = ask_and_wait("small");
  const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
  const double gap = seconds(entries.rbegin()->second->started_at() - began);
  ASSERT_GT(gap, 0);
  const std::string metrics = get("/metrics").body;
  constexpr std::string_view kOldest =
      "rouse_oldest_request_start_timestamp_seconds{phase=\"queued\"} ";
  const std::size_t at = metrics.find(kOldest);
  ASSERT_NE(at, std::string::npos);
  EXPECT_NEAR(std::stod(metrics.substr(at + kOldest.size())), seconds(began.time_since_epoch()),
              gap / 2);
}

TEST_F(ApiViews, WhoWaitsForAPeerIsTold) {
  OtherSide attic(*this);
  start_api("peers: {attic: {proxy: \"http://127.0.0.1:" + std::to_string(attic.port()) +
            "\", models: [m]}}\n");
  attic.listen();
  const UniqueFd client = ask_and_wait("m", "X-Request-ID: one\r\n");
  ASSERT_TRUE(run_until([this] { return !peers().find_peer("attic")->waiting().empty(); }));
  EXPECT_THAT(get("/api/queue").body,
              HasSubstr(R"({"request_id":"one","model":"m","peer":"attic","client":"","address":)"
                        R"("127.0.0.1","waiting_s":0.)"));
}

TEST_F(ApiViews, DecisionsAreToldInTheirOrder) {
  start_api();
  load("big");
  EXPECT_EQ(call("POST", "/api/models/unload").status, 200);
  const std::string told = get("/api/queue").body;
  const std::size_t decisions = told.find(R"("decisions":[)");
  ASSERT_NE(decisions, std::string::npos);
  EXPECT_LT(told.find("asked for it", decisions), told.rfind("big")) << told;
}

}  // namespace
}  // namespace rouse
