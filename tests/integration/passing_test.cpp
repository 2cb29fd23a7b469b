#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const ProbeHeaders kUpgrade{{"Connection", "Upgrade"},
                            {"Upgrade", "websocket"},
                            {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                            {"Sec-WebSocket-Version", "13"}};

ProbeResponse ask(const World& world, std::string_view method, std::string_view target,
                  std::string_view body = {}) {
  return http(world.port(), method, target, body);
}

// --- /upstream -----------------------------------------------------------------------------------

TEST(Upstream, PassesAnyMethodWithThePathAsItCame) {
  World world(models({fake_model("org/m", "", "    aliases: [short]\n")}));
  const std::string path = "/fake/mirror/a%2Fb//c/../d;x?y=%20&z";
  for (const std::string method : {"GET", "POST", "PUT", "DELETE", "PATCH"}) {
    const ProbeResponse answer = ask(world, method, "/upstream/org/m" + path, "body");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr(method + " " + path + "\n"));
    EXPECT_THAT(answer.body, HasSubstr("\nbody"));
  }
  EXPECT_THAT(ask(world, "GET", "/upstream/org%2Fm" + path).body, HasSubstr(path));
  EXPECT_THAT(ask(world, "GET", "/upstream/short" + path).body, HasSubstr(path));
}

TEST(Upstream, AddsTheSlashThatAPageNeeds) {
  World world(models({fake_model("a")}));
  const ProbeResponse read = ask(world, "GET", "/upstream/a?x=1");
  EXPECT_EQ(read.status, 301);
  EXPECT_EQ(read.header("location"), "/upstream/a/?x=1");
  EXPECT_EQ(ask(world, "POST", "/upstream/a", "{}").status, 308);
  EXPECT_THAT(world.children(), IsEmpty()) << "nothing was loaded for it";
}

TEST(Upstream, AnUnknownModelIsA404) {
  World world(models({fake_model("a")}));
  const ProbeResponse answer = ask(world, "GET", "/upstream/b/props");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("model_not_found"));
}

TEST(Upstream, WhatIsOnlyAPageDoesNotLoad) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(ask(world, "GET", "/upstream/a/fake/mirror/x.css").status, 409);
  EXPECT_THAT(world.children(), IsEmpty());
  EXPECT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200);
  EXPECT_EQ(ask(world, "GET", "/upstream/a/fake/mirror/x.css").status, 200);
}

TEST(Upstream, LookingLoadsNothingKeepsNothingAndWaitsForNobody) {
  World world(
      models({fake_model("a", "--tokens 1000 --tps 10", "    concurrencyLimit: 1\n    ttl: 2\n"),
              fake_model("b")}));
  for (const char* const path : {"/health", "/props", "/metrics", "/slots", "/v1/models"}) {
    EXPECT_EQ(ask(world, "GET", std::string("/upstream/b") + path).status, 409) << path;
  }
  EXPECT_THAT(world.children(), IsEmpty());
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a", true)));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "word-1"));
  EXPECT_EQ(ask(world, "GET", "/upstream/a/health").status, 200) << "while its only slot is taken";
  EXPECT_EQ(ask(world, "GET", "/upstream/b/props").status, 409);
  EXPECT_THAT(world.log(), Not(HasSubstr("stop a")));
  client.close();
  EXPECT_TRUE(wait_until(
      [&] {
        (void)ask(world, "GET", "/upstream/a/metrics");
        return world.children().empty();
      },
      8s))
      << "whoever looks keeps it";
  EXPECT_EQ(ask(world, "GET", "/upstream/b/").status, 404) << "a page opens its model";
  EXPECT_THAT(world.children(), testing::SizeIs(1));
}

TEST(Upstream, ItsOwnPatternsReplaceOurs) {
  World world(models({fake_model("a")}, "upstream: {ignorePaths: [\"^/fake\"]}"));
  EXPECT_EQ(ask(world, "GET", "/upstream/a/fake/mirror").status, 409);
  EXPECT_EQ(ask(world, "GET", "/upstream/a/x.css").status, 404) << "loads, and it has no such page";
}

// --- the model in the query ----------------------------------------------------------------------

TEST(QueryRoutes, FindTheirModelThere) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(ask(world, "GET", "/v1/audio/voices").status, 400);
  EXPECT_EQ(ask(world, "GET", "/v1/audio/voices?model=b").status, 404);
  EXPECT_EQ(ask(world, "GET", "/props?model=a").status, 409) << "a probe loads nothing";
  EXPECT_THAT(world.children(), IsEmpty());
  ask(world, "GET", "/v1/audio/voices?model=a");
  EXPECT_THAT(world.children(), Not(IsEmpty()));
  EXPECT_EQ(ask(world, "GET", "/props?model=a").status, 200);
}

// --- WebSockets ----------------------------------------------------------------------------------

/// What comes back on a connection that has switched, until @p size bytes are there.
std::string read_bytes(HttpProbe& client, ProbeResponse& response, std::size_t size) {
  while (response.body.size() < size && client.read_piece(response)) {
  }
  return response.body;
}

TEST(WebSocket, IsATunnelInBothDirectionsAndKeepsItsModel) {
  World world(models({fake_model("a", "", "    ttl: 1\n"), fake_model("b")},
                     "schedule: {linger: 0s, minResidency: 0s}"));
  HttpProbe socket = world.connect();
  ASSERT_TRUE(socket.send_request("GET", "/upstream/a/ws", {}, kUpgrade));
  ASSERT_TRUE(socket.send("early "));
  ProbeResponse response = socket.read_head();
  ASSERT_EQ(response.status, 101);
  EXPECT_EQ(response.header("sec-websocket-accept"), "fake");
  EXPECT_EQ(read_bytes(socket, response, 12), "hello early ");
  const std::string much(1 << 20, 'x');
  ASSERT_TRUE(socket.send(much));
  EXPECT_EQ(read_bytes(socket, response, 12 + much.size()).size(), 12 + much.size());

  HttpProbe other = world.connect();
  ASSERT_TRUE(other.send_request("POST", "/v1/chat/completions", chat("b")));
  ASSERT_TRUE(wait_until([&] {
    return world.get("/api/queue").body.find("loads when a (1 running) is idle") !=
           std::string::npos;
  })) << "a swap waits for it";
  socket.half_close();
  EXPECT_THAT(read_bytes(socket, response, 15 + much.size()), testing::EndsWith("bye"));
  EXPECT_EQ(other.read_response().status, 200);
}

TEST(WebSocket, IsNoReasonToLoadOrToStayWhereThatIsConfigured) {
  World world(
      models({fake_model("a", "", "    compat: {ignoreWebsockets: true}\n"), fake_model("b")},
             "schedule: {linger: 0s, minResidency: 0s}"));
  EXPECT_EQ(http(world.port(), "GET", "/upstream/a/ws", {}, kUpgrade).status, 409);
  EXPECT_THAT(world.children(), IsEmpty());
  EXPECT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200);
  HttpProbe socket = world.connect();
  ASSERT_TRUE(socket.send_request("GET", "/upstream/a/ws", {}, kUpgrade));
  ProbeResponse response = socket.read_head();
  ASSERT_EQ(response.status, 101);
  EXPECT_EQ(world.post("/v1/chat/completions", chat("b")).status, 200) << "it is in nobody's way";
  while (socket.read_piece(response)) {
  }
  EXPECT_NE(response.end, ProbeEnd::TimedOut);
}

TEST(WebSocket, OnAnInferenceRouteIsA426AtOnce) {
  World world(models({fake_model("a")}));
  for (const char* const method : {"GET", "POST"}) {
    EXPECT_EQ(http(world.port(), method, "/v1/responses", {}, kUpgrade).status, 426) << method;
  }
}

// --- ComfyUI -------------------------------------------------------------------------------------

TEST(ComfyUi, ItsPageLoadsItAndItsPathsDoNot) {
  World world(models({fake_model("comfyui_auto")}));
  EXPECT_EQ(ask(world, "GET", "/comfyui?x=1").header("location"), "/comfyui/?x=1");
  EXPECT_EQ(ask(world, "POST", "/comfyui").status, 308);
  EXPECT_EQ(ask(world, "GET", "/comfyui/fake/mirror").status, 409);
  ask(world, "GET", "/comfyui/");
  EXPECT_THAT(world.children(), Not(IsEmpty()));
  const ProbeResponse answer = ask(world, "POST", "/comfyui/fake/mirror?a=b", "{}");
  EXPECT_THAT(answer.body, HasSubstr("POST /fake/mirror?a=b\n"));
  HttpProbe socket = world.connect();
  ASSERT_TRUE(socket.send_request("GET", "/comfyui/ws", {}, kUpgrade));
  EXPECT_EQ(socket.read_head().status, 101);
}

TEST(ComfyUi, WithoutItsModelItIsA404) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(ask(world, "GET", "/comfyui/x").status, 404);
}

TEST(OneModel, IsListedByIdAndByAlias) {
  World world(models({fake_model("org/m", "", "    aliases: [short]\n")}));
  EXPECT_THAT(ask(world, "GET", "/v1/models/org%2Fm").body, HasSubstr(R"("id":"org/m")"));
  EXPECT_THAT(ask(world, "GET", "/v1/models/org/m").body, HasSubstr(R"("id":"org/m")"));
  EXPECT_THAT(ask(world, "GET", "/v1/models/short").body, HasSubstr(R"("id":"short")"));
  EXPECT_EQ(ask(world, "GET", "/v1/models/x").status, 404);
}

}  // namespace
}  // namespace rouse::test
