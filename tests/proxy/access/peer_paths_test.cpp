#include "proxy/access/peer_paths.hpp"

#include "base/text/sha256.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::HasSubstr;

/// A peer that calls the model "huge", and has others, too.
class PeerPaths : public testing::Test {
 protected:
  PeerPaths() {
    const auto key = [](std::string_view name, std::string_view more) {
      return fmt::format("  {0}: {{sha256: {1}, {2}}}\n", name, hex_of(sha256(name)), more);
    };
    const LoadedConfig loaded = parse_config(
        "peers: {attic: {proxy: \"http://h:1\", models: [huge, huge/2, secret]}}\nkeys:\n" +
            key("infers", "scopes: [infer]") +
            key("bounded", "scopes: [infer, observe, control], models: [\"*/huge\"]") +
            key("observes", "scopes: [infer, observe]") +
            key("controls", "scopes: [infer, observe, control, wake]"),
        "c.yaml");
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
    keys_.emplace(loaded.config);
  }

  Caller caller(std::string_view name) {
    Fields fields;
    fields.add("x-api-key", std::string(name));
    auto judged = keys_->authorise(fields, Scope::Infer);
    EXPECT_TRUE(std::holds_alternative<Caller>(judged)) << name;
    return std::get<Caller>(judged);
  }
  static PeerPath asked(std::string_view method, std::string_view target) {
    return {method, target, "attic/huge", "huge",
            [](const std::string& name) { return name == "huge/2" || name == "secret"; }};
  }
  /// 0: it may, else the status; with "body" where that is looked at.
  std::string judge(std::string_view who, std::string_view method, std::string_view target) {
    const auto judged = judge_peer_path(asked(method, target), caller(who), *keys_);
    if (const auto* failed = std::get_if<Failure>(&judged)) return std::to_string(failed->status);
    return std::get<PeerPathRule>(judged).names_model ? "body" : "goes";
  }

  std::optional<Keys> keys_;
};

TEST_F(PeerPaths, WhatIsNoInferenceOfTheModelNeverGoes) {
  const std::pair<const char*, const char*> refused[] = {
      {"GET", "/unload"},
      {"GET", "//unload"},
      {"GET", "/%75nload"},
      {"POST", "/api/models/unload"},
      {"POST", "/api/models/load/secret"},
      {"POST", "/api/config/reload"},
      {"PUT", "/api/profiles/active"},
      {"POST", "/api/inflight/1/cancel"},
      {"POST", "/api/peers/far/wake"},
      {"POST", "/v1/power/ack"},
      {"GET", "/v1/power/events"},
      {"GET", "/logs"},
      {"GET", "/logs/stream/secret"},
      {"GET", "/api/captures/1"},
      {"GET", "/api/events"},
      {"GET", "/running"},
      {"GET", "/api/explain"},
      {"GET", "/api/metrics/activity"},
      {"POST", "/api/show"},
      {"DELETE", "/api/delete"},
      {"GET", "/upstream/secret/v1/models"},
      {"GET", "/upstream/huge/2/x"},
      {"GET", "/upstream/huge/../secret/x"},
      {"GET", "/upstream/huge/%2e%2E/%2e./unload"},
      {"GET", "/upstream/huge/..%2f..%5cunload"},
      {"GET", "/upstream/hug"},
      {"POST", "/models/load"},
      {"POST", "/slots/1"},
      {"GET", "/v1/chat/completions"},
      {"OPTIONS", "/api/config/reload"},
      {"TRACE", "/v1/chat/completions"},
      {"GET", "/index.html"},
  };
  for (const char* const who : {"infers", "bounded", "observes", "controls"}) {
    for (const auto& [method, target] : refused) {
      EXPECT_EQ(judge(who, method, target), "403") << who << ": " << method << " " << target;
    }
  }
}

TEST_F(PeerPaths, InferenceProbesAndPagesOfTheModelGo) {
  const std::tuple<const char*, const char*, const char*> good[] = {
      {"POST", "/v1/chat/completions", "body"},
      {"POST", "/v1/messages?beta=true", "body"},
      {"POST", "/chat/completions", "body"},
      {"POST", "/v1/audio/transcriptions", "body"},
      {"POST", "/v1/chat/completions?model=huge", "body"},
      {"OPTIONS", "/v1/chat/completions", "goes"},
      {"GET", "/health", "goes"},
      {"GET", "/slots", "goes"},
      {"GET", "/", "goes"},
      {"GET", "/v1/audio/voices?model=huge", "goes"},
      {"GET", "/upstream/huge/", "goes"},
      {"GET", "/upstream/huge/ui/a.js?model=x", "goes"},
      {"POST", "/upstream/huge/v1/chat/completions", "goes"},
  };
  for (const char* const who : {"infers", "bounded", "observes", "controls"}) {
    for (const auto& [method, target, expected] : good) {
      EXPECT_EQ(judge(who, method, target), expected) << who << ": " << method << " " << target;
    }
  }
}

TEST_F(PeerPaths, NobodyAsksThereForWhatIsNotForThemHere) {
  EXPECT_EQ(judge("infers", "GET", "/metrics"), "403");
  EXPECT_EQ(judge("observes", "GET", "/metrics"), "goes");
  EXPECT_EQ(judge("bounded", "GET", "/metrics"), "403") << "it tells of all models";
  EXPECT_EQ(judge("infers", "GET", "/v1/models"), "goes");
  EXPECT_EQ(judge("bounded", "GET", "/v1/models"), "403");
  EXPECT_EQ(judge("infers", "GET", "/props?model=huge"), "403");
  EXPECT_EQ(judge("observes", "GET", "/props?model=huge"), "goes");
  EXPECT_EQ(judge("observes", "POST", "/api/chat"), "403") << "its keep_alive unloads";
  EXPECT_EQ(judge("controls", "POST", "/api/chat"), "body");
}

TEST_F(PeerPaths, NoOtherModelIsNamedBesideThePath) {
  EXPECT_EQ(judge("controls", "POST", "/v1/chat/completions?model=secret"), "400");
  EXPECT_EQ(judge("controls", "GET", "/v1/audio/voices?model=secret"), "400");
  const auto wrong = [&](std::string_view who, const std::optional<std::string>& said) {
    const auto failed =
        peer_model_fault(asked("POST", "/v1/chat/completions"), said, caller(who), *keys_);
    return failed ? failed->text.message : std::string();
  };
  EXPECT_EQ(wrong("controls", "huge"), "");
  EXPECT_EQ(wrong("controls", "attic/huge"), "") << "it is renamed";
  EXPECT_THAT(wrong("controls", "secret"), HasSubstr("\"secret\""));
  EXPECT_EQ(wrong("controls", std::nullopt), "");
  EXPECT_THAT(wrong("bounded", std::nullopt), HasSubstr("the peer would choose"));
  EXPECT_EQ(judge("bounded", "GET", "/v1/audio/voices"), "400");
  EXPECT_EQ(judge("infers", "GET", "/v1/audio/voices"), "goes");
}

}  // namespace
}  // namespace rouse
