#include "base/text/sha256.hpp"
#include "tests/proxy/api/api_world.hpp"

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OllamaApi : public ApiWorld {};

TEST_F(OllamaApi, ListsWhatThereIsAndWhatIsLoaded) {
  start_api("includeAliasesInList: true\n");
  EXPECT_THAT(get("/api/tags").body,
              AllOf(HasSubstr("\"big:latest\""), HasSubstr("\"large:latest\""),
                    HasSubstr("\"small:latest\""), Not(HasSubstr("hidden"))));
  EXPECT_EQ(get("/api/ps").body, R"({"models":[]})");
  EXPECT_EQ(call("HEAD", "/api/tags").body, "");
  load("big");
  EXPECT_THAT(get("/api/ps").body, HasSubstr(R"("name":"big:latest")"));
  load("small");
  const Answer ps = get("/api/ps");
  EXPECT_THAT(ps.body, AllOf(HasSubstr(R"("name":"small:latest")"), Not(HasSubstr("slow"))));
  const std::string century = ps.body.substr(ps.body.rfind("\"expires_at\":\"") + 14, 3);
  EXPECT_EQ(century, "212") << "small has no ttl";
}

TEST_F(OllamaApi, ShowsAModelByEachOfItsNames) {
  start_api();
  for (const char* const name : {"big", "big:latest", "large", "large-2"}) {
    const Answer shown = call("POST", "/api/show", std::string(R"({"model":")") + name + "\"}");
    EXPECT_EQ(shown.status, 200) << name;
    EXPECT_THAT(shown.body, HasSubstr(R"("general.basename":"Big")")) << name;
  }
  EXPECT_EQ(call("POST", "/api/show", R"({"name":"hidden"})").status, 200)
      << "as older clients ask";
  const Answer none = call("POST", "/api/show", R"({"model":"none"})");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr(R"({"error":"no model is called \"none\")"));
  EXPECT_EQ(call("POST", "/api/show", "{}").status, 400);
  EXPECT_EQ(call("POST", "/api/show", "no JSON").status, 400);
}

TEST_F(OllamaApi, MakesFetchesAndRemovesNothing) {
  start_api();
  for (const char* const path :
       {"/api/pull", "/api/push", "/api/create", "/api/copy", "/api/blobs/x"}) {
    const Answer never = call("POST", path, R"({"model":"big"})");
    EXPECT_EQ(never.status, 501) << path;
    EXPECT_THAT(never.body, HasSubstr(R"({"error":"rouse serves the models)")) << path;
  }
  EXPECT_EQ(call("DELETE", "/api/delete", R"({"model":"big"})").status, 501);
}

TEST_F(OllamaApi, AKeySeesWhatItMayUse) {
  start_api("keys:\n  chat: {sha256: " + hex_of(sha256("chat")) +
            ", scopes: [infer], models: [big]}\n");
  load("small");
  constexpr std::string_view kKey = "Authorization: Bearer chat\r\n";
  const Answer tags = call("GET", "/api/tags", "", kKey);
  EXPECT_THAT(tags.body, AllOf(HasSubstr("big:latest"), Not(HasSubstr("small"))));
  EXPECT_EQ(call("GET", "/api/ps", "", kKey).body, R"({"models":[]})");
  const Answer unseen = call("POST", "/api/show", R"({"model":"small"})", kKey);
  EXPECT_EQ(unseen.status, 404);
  EXPECT_THAT(unseen.body, AllOf(HasSubstr("big"), Not(HasSubstr("slow"))));
  EXPECT_EQ(call("POST", "/api/show", R"({"model":"big"})", kKey).status, 200);
  EXPECT_EQ(call("GET", "/api/version", "", kKey).status, 200) << "clients look at it first";
  const Answer refused = get("/api/tags");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.body, HasSubstr(R"({"error":")"));
}

}  // namespace
}  // namespace rouse
