#include "proxy/capabilities/known_capabilities.hpp"

#include "tests/base/http/stream_fixture.hpp"
#include "tests/proxy/scripted_server.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <fstream>

namespace rouse {
namespace {

using core::EngineState;
using test::http_answer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kProps = R"({"default_generation_settings":{"n_ctx":4096}})";

std::string target_of(const std::string& request) {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

/// One model "a", whose engine answers by the path.
class KnownCapabilitiesTest : public StreamFixture {
 protected:
  void TearDown() override {
    pool_.clear();
    StreamFixture::TearDown();
  }

  std::shared_ptr<const Config> config(const std::string& options = "",
                                       const std::string& keys = "", const std::string& id = "a") {
    const LoadedConfig loaded = parse_config(
        fmt::format("models:\n  {}:\n    cmd: engine {}\n    proxy: http://127.0.0.1:1\n{}", id,
                    options, keys),
        "c.yaml");
    EXPECT_TRUE(loaded.config);
    return loaded.config;
  }
  void know(const std::string& options = "", const std::string& keys = "") {
    known_ = std::make_unique<KnownCapabilities>(config(options, keys), group_, pool_, dir_.path());
    known_->recall();
    known_->on_change([this] { ++changes_; });
  }
  void change(EngineState to) {
    EngineChange change;
    change.model = "a";
    change.to = to;
    change.endpoint.host = "127.0.0.1";
    change.endpoint.port = server_.port();
    change.endpoint.base_path = "/base";
    known_->engine_changed(change);
  }
  void load() {
    change(EngineState::Starting);
    change(EngineState::Ready);
  }
  /// Nobody is asked any more: all that runs is that the server listens.
  bool is_quiet() {
    return run_until([this] { return group_.size() <= 1; });
  }
  /// Who is asked has answered everything, and closed each connection after its answer.
  void load_and_ask() {
    load();
    ASSERT_TRUE(run_until([this] { return known_->answer("a", "/props").has_value(); }));
  }
  [[nodiscard]] std::vector<std::string> asked() const {
    std::vector<std::string> targets;
    for (const std::string& each : server_.requests()) targets.push_back(target_of(each));
    return targets;
  }
  [[nodiscard]] std::string file() const { return dir_ / "capabilities.json"; }

  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  std::map<std::string, std::optional<std::string>> answers_{
      {"/base/props", http_answer(200, kProps)}};
  test::ScriptedServer server_{group_, [this](const std::string& request) {
                                 const auto it = answers_.find(target_of(request));
                                 return it == answers_.end() ? http_answer(404) : it->second;
                               }};
  test::TempDir dir_;
  std::unique_ptr<KnownCapabilities> known_;
  int changes_ = 0;
};

TEST_F(KnownCapabilitiesTest, AnEngineIsAskedOnceWhenItIsReady) {
  know("-c 512", "    apiKey: sesame\n");
  EXPECT_EQ(known_->of("a").context, 512) << "its command says so";
  change(EngineState::Starting);
  EXPECT_THAT(asked(), IsEmpty());
  change(EngineState::Ready);
  ASSERT_TRUE(run_until([this] { return changes_ > 0; }));
  EXPECT_EQ(known_->of("a").context, 4096);
  EXPECT_THAT(asked(), ElementsAre("/base/props", "/base/v1/models"));
  EXPECT_THAT(server_.requests(), testing::Each(HasSubstr("Bearer sesame")));
  EXPECT_EQ(known_->answer("a", "/props")->body, kProps);
  EXPECT_FALSE(known_->answer("a", "/v1/models"));
  EXPECT_FALSE(known_->answer("b", "/props"));
  EXPECT_TRUE(known_->of("b").is_empty());
  change(EngineState::Stopping);
  load();
  ASSERT_TRUE(run_until([this] { return asked().size() == 4; })) << "what fits may be another now";
  ASSERT_TRUE(is_quiet()) << "what was answered is not learnt";
  EXPECT_EQ(changes_, 1) << "that is no news";
}

TEST_F(KnownCapabilitiesTest, WhereNothingTellsTheContextThereIsInfo) {
  answers_ = {{"/base/info", http_answer(200, R"({"max_input_length":512})")},
              {"/base/v1/models", http_answer(200, "<html>")}};
  know();
  load();
  ASSERT_TRUE(run_until([this] { return changes_ > 0; }));
  EXPECT_EQ(known_->of("a").context, 512);
  EXPECT_THAT(asked(), ElementsAre("/base/props", "/base/v1/models", "/base/info"));
  EXPECT_FALSE(known_->answer("a", "/v1/models")) << "a page is no answer";
}

TEST_F(KnownCapabilitiesTest, OfSeveralModelsThatOfItsNameThereIsMeant) {
  answers_ = {
      {"/base/v1/models",
       http_answer(200,
                   R"({"data":[{"id":"a","max_model_len":1},{"id":"b","max_model_len":2}]})")}};
  know("", "    useModelName: b\n");
  load();
  ASSERT_TRUE(run_until([this] { return changes_ > 0; }));
  EXPECT_EQ(known_->of("a").context, 2);
}

TEST_F(KnownCapabilitiesTest, ItsAnswersOutliveUsAndNobodyElseReadsThem) {
  know();
  load_and_ask();
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  know();
  EXPECT_EQ(known_->of("a").context, 4096);
  EXPECT_EQ(known_->answer("a", "/props")->body, kProps);
  EXPECT_THAT(asked(), Not(IsEmpty()));
}

TEST_F(KnownCapabilitiesTest, AnotherCommandIsAskedAnew) {
  know("-m x.gguf");
  load_and_ask();
  know("-m y.gguf");
  EXPECT_TRUE(known_->of("a").is_empty());
  EXPECT_FALSE(known_->answer("a", "/props"));
  EXPECT_THAT(test::read_file(file()), Not(HasSubstr("n_ctx")));
}

TEST_F(KnownCapabilitiesTest, AModelThatHasLeftIsForgotten) {
  know();
  load_and_ask();
  known_->adopt(config("", "", "b"));
  EXPECT_TRUE(known_->of("a").is_empty());
  EXPECT_THAT(test::read_file(file()), Not(HasSubstr("n_ctx")));
  change(EngineState::Stopping);
  change(EngineState::Stopped);
}

TEST_F(KnownCapabilitiesTest, WhatAnOutdatedEngineSaysIsNoNews) {
  know("-m x.gguf");
  change(EngineState::Starting);
  known_->adopt(config("-m y.gguf"));
  change(EngineState::Ready);
  ASSERT_TRUE(run_until([this] { return asked().size() == 2; }));
  ASSERT_TRUE(is_quiet());
  EXPECT_FALSE(known_->answer("a", "/props"));
  EXPECT_TRUE(known_->of("a").is_empty());
}

TEST_F(KnownCapabilitiesTest, WhereItIsOffNobodyIsAskedAndOnlyTheTypedIsTold) {
  know();
  load_and_ask();
  const std::size_t before = asked().size();
  know("-c 4096", "    capabilities: {tools: true, disableAuto: true}\n");
  EXPECT_EQ(known_->of("a").context, 0);
  EXPECT_EQ(known_->of("a").tools, true);
  EXPECT_FALSE(known_->answer("a", "/props")) << "what it said before is forgotten";
  load();
  EXPECT_TRUE(is_quiet());
  EXPECT_EQ(asked().size(), before);
}

TEST_F(KnownCapabilitiesTest, OneThatStopsIsLeftAlone) {
  answers_["/base/props"] = std::nullopt;
  know();
  load();
  ASSERT_TRUE(run_until([this] { return asked().size() == 1; }));
  change(EngineState::Stopping);
  answers_["/base/v1/models"] = http_answer(200, R"({"data":[{"id":"a","max_model_len":1}]})");
  ASSERT_TRUE(is_quiet()) << "the connection is closed";
  EXPECT_TRUE(known_->of("a").is_empty());
  EXPECT_THAT(asked(), SizeIs(1)) << "nothing more is asked";
}

TEST_F(KnownCapabilitiesTest, SilenceTakesNothingAway) {
  know();
  load_and_ask();
  change(EngineState::Stopping);
  answers_["/base/props"] = "";
  const std::size_t before = asked().size();
  load();
  ASSERT_TRUE(run_until([&] { return asked().size() == before + 3; }));
  ASSERT_TRUE(is_quiet());
  EXPECT_EQ(known_->of("a").context, 4096);
}

TEST_F(KnownCapabilitiesTest, ABrokenFileIsForgotten) {
  for (const char* const text :
       {"", "{", "[]", R"({"models":{"a":{}}})", R"({"models":{"a":7}})"}) {
    std::ofstream(file()) << text;
    know();
    EXPECT_TRUE(known_->of("a").is_empty()) << text;
    EXPECT_FALSE(read_answer_memory(file())) << text;
  }
  load_and_ask();
  EXPECT_TRUE(read_answer_memory(file()));
  EXPECT_TRUE(read_answer_memory(dir_ / "nothing"));
}

TEST(DigestOfLaunch, IsThatOfWhatAnEngineMaySpeakOf) {
  ModelConfig model;
  model.argv = {"engine", "--port", "5801", "-m", "x5801y.gguf", "--seed=15801"};
  model.proxy = "http://localhost:5801";
  model.env = {"TOKEN=secret", "LLAMA_ARG_CTX_SIZE=1"};
  model.port = 5801;
  const std::string digest = digest_of_launch(model);
  const auto differs = [&](auto change) {
    ModelConfig other = model;
    change(other);
    return digest_of_launch(other) != digest;
  };
  EXPECT_FALSE(differs([](ModelConfig& m) {
    m.argv = {"engine", "--port", "5802", "-m", "x5802y.gguf", "--seed=15801"};
    m.proxy = "http://localhost:5802";
    m.port = 5802;
  })) << "another model has come before it";
  EXPECT_FALSE(differs([](ModelConfig& m) { m.env[0] = "TOKEN=other"; }));
  EXPECT_FALSE(differs([](ModelConfig& m) { m.ttl = std::chrono::seconds(5); }));
  EXPECT_TRUE(differs([](ModelConfig& m) { m.env[0] = "OTHER=secret"; }));
  EXPECT_TRUE(differs([](ModelConfig& m) { m.env[1] = "LLAMA_ARG_CTX_SIZE=2"; }));
  EXPECT_TRUE(differs([](ModelConfig& m) { m.argv[5] = "--seed=1"; }));
  EXPECT_TRUE(differs([](ModelConfig& m) { m.argv[4] = "x5801yz.gguf"; }));
  EXPECT_TRUE(differs([](ModelConfig& m) { m.proxy = "http://other:5801"; }));
  EXPECT_TRUE(differs([](ModelConfig& m) { m.use_model_name = "n"; }));
}

}  // namespace
}  // namespace rouse
