#include "proxy/wire/route.hpp"

#include "proxy/wire/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace rouse::wire {
namespace {

using testing::Eq;
using testing::Optional;

TEST(Route, KnowsEveryInferenceRoute) {
  for (const std::string path :
       {"/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/messages",
        "/v1/messages/count_tokens", "/v1/embeddings", "/v1/rerank", "/v1/reranking", "/rerank",
        "/reranking", "/infill", "/completion", "/v1/audio/speech", "/v1/audio/voices",
        "/v1/images/generations", "/sdapi/v1/txt2img", "/sdapi/v1/img2img"}) {
    const RouteMatch match = match_route("POST", path);
    ASSERT_NE(match.route, nullptr) << path;
    EXPECT_EQ(match.route->id, RouteId::Inference) << path;
    EXPECT_EQ(match.route->route_class, RouteClass::Inference) << path;
    EXPECT_TRUE(match.route->needs_key) << path;
    EXPECT_EQ(match.route->upstream_target(path + "?a=b"), path + "?a=b");
  }
}

TEST(Route, MendsWhatComesOfBaseUrls) {
  const auto target = [](std::string_view path) {
    const RouteMatch match = match_route("POST", path);
    return match.route == nullptr ? "none" : match.route->upstream_target(std::string(path) + "?q");
  };
  for (const char* const path :
       {"//v1/chat/completions", "/v1//chat///completions", "/chat/completions",
        "//chat/completions", "/v1/v1/chat/completions"}) {
    EXPECT_EQ(target(path), "/v1/chat/completions?q") << path;
  }
  EXPECT_EQ(target("/embeddings"), "/v1/embeddings?q");
  EXPECT_EQ(target("/rerank"), "/rerank?q") << "that is a path of its own";
  EXPECT_EQ(target("/v1/tokenize"), "none");
  EXPECT_EQ(match_route("GET", "/v1/v1/models").route->id, RouteId::Models);
  EXPECT_EQ(match_route("GET", "//v1//models").route->id, RouteId::Models);
  EXPECT_EQ(match_route("GET", "/models/a").argument, "a");
  EXPECT_EQ(match_route("GET", "/chat/completions").allow, "POST");
  EXPECT_EQ(match_route("POST", "/power/ack").route, nullptr) << "no API of models";
  EXPECT_EQ(match_route("POST", "/api//models/unload//m").argument, "m");
}

TEST(Route, OllamasCallsAreTranslatedAndItsOthersToldApart) {
  const auto call = [](std::string_view path) {
    const RouteMatch match = match_route("POST", path);
    return match.route == nullptr ? OllamaCall::None : match.route->ollama;
  };
  EXPECT_EQ(call("/api/chat"), OllamaCall::Chat);
  EXPECT_EQ(call("/api/generate"), OllamaCall::Generate);
  EXPECT_EQ(call("/api/embed"), OllamaCall::Embed);
  EXPECT_EQ(call("/api/embeddings"), OllamaCall::Embeddings);
  EXPECT_EQ(call("/v1/chat/completions"), OllamaCall::None);
  EXPECT_TRUE(match_route("POST", "/api/chat").route->early_head);
  EXPECT_FALSE(match_route("POST", "/api/embed").route->early_head);
  EXPECT_TRUE(match_route("POST", "/api/chat").route->is_work());
  for (const char* const path : {"/api/pull", "/api/push", "/api/create", "/api/copy",
                                 "/api/delete", "/api/blobs/sha256:0", "/api/show"}) {
    const RouteMatch match = match_route("POST", path);
    ASSERT_NE(match.route, nullptr) << path;
    EXPECT_EQ(match.route->id, RouteId::Ollama) << path;
    EXPECT_EQ(match.route->dialect, Dialect::Ollama) << path;
    EXPECT_FALSE(match.route->is_work()) << path;
  }
  for (const char* const path : {"/api/tags", "/api/ps"}) {
    EXPECT_EQ(match_route("HEAD", path).route->id, RouteId::Ollama) << path;
  }
  EXPECT_EQ(match_route("GET", "/api/chat").allow, "POST");
}

TEST(Route, SlashesTooManyBeforeAModelsName) {
  for (const char* const path : {"/upstream//m/x", "/upstream///m/x", "//upstream/m/x"}) {
    const RouteMatch match = match_route("GET", path);
    ASSERT_NE(match.route, nullptr) << path;
    EXPECT_EQ(match.route->id, RouteId::Upstream);
    EXPECT_EQ(match.raw_argument, "m/x") << path;
  }
  EXPECT_EQ(match_route("GET", "/upstream/m//x").raw_argument, "m//x") << "that is the engine's";
  EXPECT_EQ(match_route("GET", "/upstream//").route, nullptr);
}

TEST(Route, GivesTheEngineThePathThatItKnows) {
  const auto upstream = [](std::string_view path, std::string_view target) {
    const RouteMatch match = match_route("POST", path);
    return match.route == nullptr ? "none" : match.route->upstream_target(target);
  };
  for (const std::string path :
       {"/chat/completions", "/responses", "/completions", "/messages", "/messages/count_tokens",
        "/embeddings", "/rerank", "/reranking"}) {
    EXPECT_EQ(upstream("/v" + path, "/v" + path + "?beta=true"), path + "?beta=true");
  }
  EXPECT_EQ(upstream("/audioapi/v1/tasks/run", "/audioapi/v1/tasks/run"), "/v1/tasks/run");
}

TEST(Route, LetsOnlyTheFourStreamingDialectsHaveAnEarlyHead) {
  const auto route = [](std::string_view path) { return *match_route("POST", path).route; };
  for (const std::string prefix : {"/v1", "/v"}) {
    EXPECT_EQ(route(prefix + "/chat/completions").dialect, Dialect::OpenAiChat);
    EXPECT_EQ(route(prefix + "/completions").dialect, Dialect::OpenAiCompletions);
    EXPECT_EQ(route(prefix + "/responses").dialect, Dialect::OpenAiResponses);
    EXPECT_EQ(route(prefix + "/messages").dialect, Dialect::Anthropic);
    for (const char* path : {"/chat/completions", "/completions", "/responses", "/messages"}) {
      EXPECT_TRUE(route(prefix + path).early_head) << path;
    }
    EXPECT_FALSE(route(prefix + "/messages/count_tokens").early_head);
    EXPECT_FALSE(route(prefix + "/embeddings").early_head);
  }
}

struct Own {
  const char* method;
  const char* path;
  RouteId id;
  RouteClass route_class;
  bool needs_key;
};

TEST(Route, KnowsTheEndpointsOfItsOwn) {
  const Own table[] = {
      {"GET", "/v1/models", RouteId::Models, RouteClass::Probe, true},
      {"HEAD", "/models", RouteId::Models, RouteClass::Probe, true},
      {"GET", "/running", RouteId::Running, RouteClass::Probe, true},
      {"GET", "/api/queue", RouteId::Queue, RouteClass::Probe, true},
      {"GET", "/api/version", RouteId::Version, RouteClass::Probe, true},
      {"POST", "/api/models/unload", RouteId::UnloadAll, RouteClass::Control, true},
      {"GET", "/unload", RouteId::UnloadAll, RouteClass::Control, true},
      {"POST", "/api/models/unload/m", RouteId::UnloadOne, RouteClass::Control, true},
      {"POST", "/api/models/load/m", RouteId::Load, RouteClass::Control, true},
      {"GET", "/logs", RouteId::Logs, RouteClass::Probe, true},
      {"GET", "/logs/stream", RouteId::LogStream, RouteClass::Probe, true},
      {"GET", "/logs/stream/proxy", RouteId::LogStream, RouteClass::Probe, true},
      {"GET", "/v1/power", RouteId::Power, RouteClass::Probe, true},
      {"GET", "/v1/power/events", RouteId::PowerEvents, RouteClass::Probe, true},
      {"POST", "/v1/power/ack", RouteId::PowerAck, RouteClass::Probe, true},
      {"GET", "/health", RouteId::Health, RouteClass::Probe, false},
      {"HEAD", "/wol-health", RouteId::Health, RouteClass::Probe, false},
      {"GET", "/livez", RouteId::Live, RouteClass::Probe, false},
      {"GET", "/readyz", RouteId::Ready, RouteClass::Probe, false},
      {"GET", "/", RouteId::Root, RouteClass::Asset, false},
  };
  for (const Own& row : table) {
    const RouteMatch match = match_route(row.method, row.path);
    ASSERT_NE(match.route, nullptr) << row.path;
    EXPECT_EQ(match.route->id, row.id) << row.path;
    EXPECT_EQ(match.route->route_class, row.route_class) << row.path;
    EXPECT_EQ(match.route->needs_key, row.needs_key) << row.path;
  }
}

TEST(Route, OnlyInferenceAndTheManagementOfModelsAreWork) {
  const auto is_work = [](std::string_view method, std::string_view path) {
    return match_route(method, path).route->is_work();
  };
  EXPECT_TRUE(is_work("POST", "/v1/messages"));
  EXPECT_TRUE(is_work("GET", "/upstream/m/x"));
  EXPECT_TRUE(is_work("POST", "/api/models/load/m"));
  EXPECT_TRUE(is_work("POST", "/api/models/unload"));
  EXPECT_TRUE(is_work("POST", "/api/models/unload/m"));
  for (const char* path : {"/props", "/v1/models", "/running", "/metrics", "/api/events", "/logs",
                           "/health", "/", "/v1/power", "/v1/power/events", "/upstream"}) {
    EXPECT_FALSE(is_work("GET", path)) << path;
  }
  for (const char* path : {"/v1/power/ack", "/api/config/reload", "/api/inflight/1/cancel"}) {
    EXPECT_FALSE(is_work("POST", path)) << path;
  }
}

TEST(Route, TakesAModelFromThePathSlashesAndAll) {
  EXPECT_EQ(match_route("POST", "/api/models/load/org%2Fmodel:q4").argument, "org/model:q4");
  EXPECT_EQ(match_route("POST", "/api/models/unload/org/a b%20c").argument, "org/a b c");
  EXPECT_EQ(match_route("GET", "/logs/stream/org/m").argument, "org/m");
  EXPECT_EQ(match_route("GET", "/logs/stream").argument, "");
}

TEST(Route, KnowsWhatIsNearest) {
  EXPECT_EQ(nearest_route("/v1/chat/completion"), "POST /v1/chat/completions");
  EXPECT_EQ(nearest_route("/openai/v1/chat/completions"), "POST /v1/chat/completions");
  EXPECT_EQ(nearest_route("/v1/models/"), "GET /v1/models");
  EXPECT_EQ(nearest_route("/api/v2/embeddings"), "POST /v1/embeddings");
  EXPECT_EQ(nearest_route("/V1/Models"), "GET /v1/models");
  EXPECT_EQ(nearest_route("/"), "");
  EXPECT_EQ(nearest_route(""), "");
  EXPECT_EQ(nearest_route("/wp-login.php"), "");
}

TEST(Route, TellsAnUnknownPathFromAWrongMethod) {
  for (const char* path : {"/nope", "/v1/models/", "/v1/chat/completions/", "/api/models/load/",
                           "/api/hello", "", "/v1/", "/V1/models"}) {
    const RouteMatch match = match_route("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
  const auto allow = [](std::string_view method, std::string_view path) {
    const RouteMatch match = match_route(method, path);
    EXPECT_EQ(match.route, nullptr) << path;
    return match.allow;
  };
  EXPECT_EQ(allow("GET", "/v1/chat/completions"), "POST");
  EXPECT_EQ(allow("DELETE", "/v1/models"), "GET, HEAD");
  EXPECT_EQ(allow("DELETE", "/v1/audio/voices"), "POST, GET, HEAD") << "of two routes";
  EXPECT_EQ(match_route("GET", "/v1/audio/voices").allow, "");
  EXPECT_EQ(allow("post", "/api/models/load/m"), "POST");
  EXPECT_EQ(allow("HEAD", "/unload"), "GET");
}

TEST(Query, IsDecodedAsFormsAre) {
  EXPECT_THAT(query_value("model=a%2Fb+c", "model"), Optional(Eq("a/b c")));
  EXPECT_THAT(query_value("x=1&model=&y", "model"), Optional(Eq("")));
  EXPECT_THAT(query_value("no-history", "no-history"), Optional(Eq("")));
  EXPECT_THAT(query_value("m%6fdel=x&model=y", "model"), Optional(Eq("x")));
  EXPECT_EQ(query_value("xmodel=1&models=2", "model"), std::nullopt);
  EXPECT_EQ(query_value("", "model"), std::nullopt);
  EXPECT_EQ(query_value("&&", "model"), std::nullopt);
}

TEST(Query, GetsAnotherValueInItsPlace) {
  EXPECT_EQ(with_query_value("/x?a=1&model=old&b=2", "model", "org/m q"),
            "/x?a=1&model=org%2Fm%20q&b=2");
  EXPECT_EQ(with_query_value("/x?m%6fdel=a&model=b", "model", "c"), "/x?m%6fdel=c&model=b");
  EXPECT_EQ(with_query_value("/x?model", "model", "c"), "/x?model=c");
  EXPECT_EQ(with_query_value("/x?models=1", "model", "c"), "/x?models=1");
  EXPECT_EQ(with_query_value("/x", "model", "c"), "/x");
}

TEST(PercentDecode, LeavesAloneWhatIsNoEscape) {
  EXPECT_EQ(percent_decode("%41%2f%"), "A/%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode(std::string_view("%41").substr(0, 2)), "%4") << "what follows is not it";
  EXPECT_EQ(percent_decode("%zz+"), "%zz+");
}

}  // namespace
}  // namespace rouse::wire
