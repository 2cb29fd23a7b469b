// What a key that may use one model is told of the others: nothing.
#include "base/text/sha256.hpp"
#include "proxy/api/event_stream.hpp"
#include "tests/proxy/api/api_world.hpp"

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BoundedKeys : public ApiWorld {
 protected:
  /// `some` may do all with big, `all` with everything, and `watches` only observes.
  void start_bounded(const std::string& rest = "") {
    const auto key = [](std::string_view name, std::string_view more) {
      return fmt::format("  {0}: {{sha256: {1}, scopes: [{2}}}\n", name, hex_of(sha256(name)),
                         more);
    };
    start_api("captureBuffer: 1\ngroups: {both: {swap: false, members: [small, big]}}\n" + rest +
              "keys:\n" + key("some", "infer, observe, control, captures], models: [big]") +
              key("by-alias", "infer, observe, control], models: [large]") +
              key("all", "infer, observe, control, captures]") + key("watches", "infer, observe]"));
  }
  Answer as(std::string_view key, std::string_view method, std::string_view target,
            std::string_view body = "") {
    return call(method, target, body, fmt::format("X-Api-Key: {}\r\n", key));
  }
  void load_both() {
    load("big");
    load("small");
    big_.listen();
    small_.listen();
  }
  /// A whole request for @p model, whose engine is @p side.
  void use(const std::string& model, OtherSide& side) {
    const UniqueFd client = ask_and_wait(model, "X-Api-Key: all\r\n");
    side.accept();
    side.hear_request();
    side.answer(200, R"({"usage":{"prompt_tokens":3,"completion_tokens":2}})");
    EXPECT_EQ(last_row().model, model);
  }
};

TEST_F(BoundedKeys, ReadOfTheirOwnModelsOnly) {
  start_bounded("profiles: {night: {pins: {big: big, other: small}}}\n");
  load_both();
  use("big", big_);
  use("small", small_);
  for (const char* const target :
       {"/running", "/api/queue", "/api/explain", "/api/explain/big", "/metrics", "/v1/models",
        "/api/metrics/activity", "/api/ps", "/api/tags"}) {
    EXPECT_THAT(as("all", "GET", target).body, AllOf(HasSubstr("big"), HasSubstr("small")))
        << target;
    EXPECT_THAT(as("some", "GET", target).body, AllOf(HasSubstr("big"), Not(HasSubstr("small"))))
        << target;
    EXPECT_THAT(as("by-alias", "GET", target).body, Not(HasSubstr("small"))) << target;
  }
  EXPECT_THAT(as("by-alias", "GET", "/running").body, HasSubstr("\"big\""));
  EXPECT_THAT(as("some", "GET", "/api/metrics/stats").body, HasSubstr(R"("total_requests":1)"));
  EXPECT_THAT(as("all", "GET", "/api/metrics/stats").body, HasSubstr(R"("total_requests":2)"));
  EXPECT_THAT(as("some", "GET", "/api/profiles").body, HasSubstr(R"("pins":{"big":"big"})"));
  EXPECT_EQ(as("some", "GET", "/api/explain/small").status, 404);
  EXPECT_THAT(as("some", "GET", "/api/explain/smal").body, Not(HasSubstr("small")));
}

TEST_F(BoundedKeys, ReadTheirOwnEnginesLogOnly) {
  start_bounded();
  EXPECT_EQ(as("all", "GET", "/logs").status, 200);
  EXPECT_THAT(as("some", "GET", "/logs").body, HasSubstr("is for some"));
  for (const char* const log : {"", "/proxy", "/upstream", "/small"}) {
    EXPECT_EQ(as("some", "GET", std::string("/logs/stream") + log).status, 400) << log;
  }
  connect_client();
  say("GET /logs/stream/big HTTP/1.1\r\nHost: r\r\nX-Api-Key: some\r\n\r\n");
  dispatcher().engine_log("big")->append("its line\n");
  client_hears("its line");
}

TEST_F(BoundedKeys, HearOfTheirOwnModelsOnly) {
  start_bounded();
  load_both();
  dispatcher().engine_log("small")->append("of small\n");
  dispatcher().engine_log("big")->append("of big\n");
  proxy().logs.proxy.append("of the proxy\n");
  publish_changes(proxy());
  connect_client();
  say("GET /api/events HTTP/1.1\r\nHost: r\r\nX-Api-Key: some\r\n\r\n");
  client_hears("of big");
  client_hears("snapshot");
  const RequestHead head;
  {
    InFlight::Entry other(recorder().in_flight, head, "somewhere", [] {});
    other.set_model("small");
  }
  dispatcher().engine_log("small")->append("more of small\n");
  publish_profile(proxy());
  InFlight::Entry mine(recorder().in_flight, head, "somewhere", [] {});
  mine.set_model("big");
  EXPECT_THAT(client_hears("upsert"), AllOf(Not(HasSubstr("small")), Not(HasSubstr("the proxy"))));
}

TEST_F(BoundedKeys, MoveTheirOwnModelsOnly) {
  start_bounded();
  load_both();
  EXPECT_EQ(as("some", "POST", "/api/models/load/small").status, 404);
  EXPECT_EQ(as("some", "POST", "/api/models/unload/small").status, 404);
  EXPECT_THAT(as("some", "POST", "/api/models/load/small").body, HasSubstr("there are: big\""));
  const UniqueFd client = ask_and_wait("small", "X-Api-Key: all\r\n");
  small_.accept();
  const auto id = std::to_string(recorder().in_flight.entries().begin()->first);
  EXPECT_EQ(as("some", "POST", "/api/inflight/" + id + "/cancel").status, 404);
  EXPECT_FALSE(is_quiet());
  EXPECT_EQ(as("all", "POST", "/api/inflight/" + id + "/cancel").status, 200);
  EXPECT_EQ(as("some", "POST", "/api/models/unload").status, 200);
  EXPECT_EQ(dispatcher().engine_state("big"), core::EngineState::Stopped);
  EXPECT_EQ(dispatcher().engine_state("small"), core::EngineState::Ready);
  EXPECT_EQ(as("some", "POST", "/api/config/reload").status, 403);
  EXPECT_EQ(as("all", "POST", "/api/models/unload").status, 200);
  EXPECT_EQ(dispatcher().engine_state("small"), core::EngineState::Stopped);
}

TEST_F(BoundedKeys, PromptsAreForAScopeOfTheirOwn) {
  start_bounded();
  load_both();
  use("big", big_);
  use("small", small_);
  EXPECT_EQ(as("watches", "GET", "/api/captures/1").status, 403);
  EXPECT_EQ(as("all", "GET", "/api/captures/2").status, 200);
  EXPECT_EQ(as("some", "GET", "/api/captures/1").status, 200);
  EXPECT_EQ(as("some", "GET", "/api/captures/2").status, 404);
}

}  // namespace
}  // namespace rouse
