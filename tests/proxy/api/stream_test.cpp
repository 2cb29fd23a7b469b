// The streams of events and of logs, which go on until their reader leaves.
#include "proxy/api/event_stream.hpp"
#include "tests/proxy/api/api_world.hpp"

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ApiStreams : public ApiWorld {
 protected:
  void listen_to(const std::string& target, std::string_view version = "1.1") {
    connect_client();
    say(fmt::format("GET {} HTTP/{}\r\nHost: rouse\r\n\r\n", target, version));
  }
  /// The client goes; the session ends, but for @p others.
  void leave(std::size_t others = 0) {
    client_leaves();
    EXPECT_TRUE(run_until([&] { return proxy().sessions.size() == others; })) << "it goes on";
  }
};

TEST_F(ApiStreams, BeginWithAllThatThereIs) {
  start_api("peers: {attic: {proxy: \"http://127.0.0.1:1\", models: [m]}}\n");
  proxy().logs.proxy.append("of the proxy\n");
  proxy().logs.upstream.append("of an engine\n");
  load("big");
  big_.listen();
  const UniqueFd client = ask_and_wait("big");
  listen_to("/api/events");
  const std::string told = client_hears(R"(\"operation\":\"snapshot\")");
  EXPECT_THAT(told, HasSubstr(R"({\"source\":\"proxy\",\"data\":\"of the proxy\\n\"})"));
  EXPECT_THAT(told, HasSubstr(R"({\"source\":\"upstream\",\"data\":\"of an engine\\n\"})"));
  EXPECT_THAT(told, HasSubstr(R"(\"aliases\":[\"large\",\"large-*\"])"));
  EXPECT_THAT(told, HasSubstr(R"(\"id\":\"attic/m\",\"name\":\"\")"));
  EXPECT_THAT(told, HasSubstr(R"(\"peerID\":\"attic\")"));
  EXPECT_THAT(told, HasSubstr(R"(\"session_id\":[\"X-Session-ID\")"));
  EXPECT_THAT(told, HasSubstr(R"(\"model\":\"big\",\"req_path\":\"/v1/chat/completions\")"));
  leave(1);
}

TEST_F(ApiStreams, TellWhatChanges) {
  start_api("profiles: {night: {pins: {big: small}}}\n");
  publish_changes(proxy());
  listen_to("/api/events");
  client_hears("snapshot");
  proxy().logs.upstream.append("more\n");
  client_hears(R"({\"source\":\"upstream\",\"data\":\"more\\n\"})");
  proxy().logs.proxy.append("ours\n");
  client_hears(R"({\"source\":\"proxy\",\"data\":\"ours\\n\"})");
  {
    const RequestHead head;
    InFlight::Entry entry(recorder().in_flight, head, "somewhere", [] {});
    entry.set_model("big");
    client_hears(R"(\"operation\":\"upsert\",\"request\":{\"id\":\"1\")");
  }
  client_hears(R"(\"operation\":\"remove\",\"id\":\"1\")");
  const UniqueFd listener = keep_client();
  const std::size_t before = recorder().events.listeners();
  EXPECT_EQ(before, 1U);
  EventHub::Listener other(recorder().events, [] {});
  EXPECT_EQ(call("PUT", "/api/profiles/active", R"({"name":"night"})").status, 200);
  EXPECT_THAT(other.take(),
              AllOf(HasSubstr(R"("type":"profileChanged")"), HasSubstr(R"("type":"modelStatus")")));
}

TEST_F(ApiStreams, EndWithTheirReader) {
  start_api();
  listen_to("/api/events");
  client_hears("snapshot");
  leave();
  EXPECT_FALSE(recorder().events.has_listeners());
  listen_to("/v1/power/events");
  client_hears("\n\n");
  leave();
  EXPECT_EQ(proxy().power.subscribers().listeners(), 0U);
  listen_to("/logs/stream");
  client_hears("\r\n\r\n");
  leave();
}

TEST_F(ApiStreams, ThePowerIsToldAtOnce) {
  start_api();
  listen_to("/v1/power/events");
  EXPECT_THAT(client_hears(R"("state":"awake")"), HasSubstr("event: snapshot"));
}

TEST_F(ApiStreams, OldClientsGetNoChunks) {
  start_api();
  for (const std::string target : {"/api/events", "/v1/power/events", "/logs/stream"}) {
    listen_to(target, "1.0");
    EXPECT_THAT(client_hears("\r\n\r\n"), Not(HasSubstr("hunked"))) << target;
    leave();
  }
}

TEST_F(ApiStreams, ALogBeginsWithItsHistoryUnlessThatIsNotWanted) {
  start_api();
  proxy().logs.mux.append("both\n");
  proxy().logs.proxy.append("ours\n");
  dispatcher().engine_log("big")->append("the engine's\n");
  const auto first_of = [this](const std::string& target) {
    listen_to(target);
    std::string text = client_hears("\n\r\n");
    leave();
    return text;
  };
  EXPECT_THAT(first_of("/logs/stream"), AllOf(HasSubstr("both\n"), Not(HasSubstr("ours"))));
  EXPECT_THAT(first_of("/logs/stream/proxy"), HasSubstr("ours\n"));
  EXPECT_THAT(first_of("/logs/stream/large"), HasSubstr("the engine's\n"));
  listen_to("/logs/stream/proxy?no-history");
  EXPECT_THAT(client_hears("\r\n\r\n"), Not(HasSubstr("ours")));
  proxy().logs.proxy.append("new\n");
  EXPECT_THAT(client_hears("new\n"), Not(HasSubstr("ours")));
  EXPECT_EQ(get("/logs").body, "both\n");
}

TEST_F(ApiStreams, AReaderThatIsTooSlowIsToldWhatHeLost) {
  start_api();
  listen_to("/logs/stream/proxy");
  client_hears("\r\n\r\n");
  proxy().logs.proxy.append(std::string(300 * 1024, 'x'));
  proxy().logs.proxy.append("after\n");
  EXPECT_THAT(client_hears("after\n"), HasSubstr("--- 307200 bytes were lost here ---"));
}

}  // namespace
}  // namespace rouse
