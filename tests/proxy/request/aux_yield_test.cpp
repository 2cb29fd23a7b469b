#include "tests/support/exchange_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using testing::StartsWith;

/// What is said of a request that is worth no swap, beside what is shown with whole exchanges.
class AuxYield : public ExchangeWorld {
 protected:
  void begin(std::string_view aux) {
    start(
        fmt::format("schedule: {{linger: 0s, minResidency: 0s}}\naux: {{{}}}\nmodels:\n  m:\n    "
                    "cmd: /bin/sleep 600\n    checkEndpoint: none\n"
                    "    proxy: http://127.0.0.1:{}\n  other: {{cmd: /bin/sleep 600, "
                    "checkEndpoint: none, proxy: \"http://127.0.0.1:9\"}}\n",
                    aux, engine_.port()));
  }
  /// On a connection of its own, as are all of these.
  void send(std::string_view path, std::string_view body) {
    connect_client();
    ask(path, body);
  }
  void send_form(std::string_view file) {
    const std::string form = fmt::format(
        "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\n"
        "Content-Disposition: form-data; name=\"file\"; "
        "filename=\"{}\"\r\n\r\nRIFF\xff\r\n--B--\r\n",
        file);
    connect_client();
    say(
        fmt::format("POST /v1/audio/transcriptions HTTP/1.1\r\nHost: r\r\nContent-Type: "
                    "multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n{}",
                    form.size(), form));
  }
  void expect_refusal() {
    EXPECT_THAT(client_hears("aux.ifNotLoaded"), StartsWith("HTTP/1.1 409 "));
  }
  bool is_wanted(const std::string& model) {
    return dispatcher().engine_state(model) != core::EngineState::Stopped;
  }

  OtherSide engine_{*this};
};

/// What a gateway in front asks of models that are not for texts (docs/clients.md).
TEST_F(AuxYield, RulesAreForEveryBodyThatNamesItsModel) {
  begin("ifNotLoaded: refuse, rules: [test from litellm, 'health_check\\.wav']");
  for (const char* const path : {"/v1/embeddings", "/v1/rerank", "/v1/audio/speech",
                                 "/v1/images/generations", "/v1/responses"}) {
    SCOPED_TRACE(path);
    send(path, R"({"model":"m","input":"test from litellm"})");
    expect_refusal();
  }
  send_form("audio_health_check.wav");
  expect_refusal();
  EXPECT_FALSE(is_wanted("m"));
  send_form("speech.wav");
  EXPECT_TRUE(run_until([this] { return is_wanted("m"); }));
}

TEST_F(AuxYield, AFewTokensAreASignForTextsOnly) {
  begin("ifNotLoaded: refuse, rules: [test]");
  send("/v1/completions", R"({"model":"m","prompt":"a","max_tokens":1})");
  expect_refusal();
  send("/v1/images/generations", R"({"model":"m","prompt":"a","max_tokens":1})");
  EXPECT_TRUE(run_until([this] { return is_wanted("m"); }));
}

TEST_F(AuxYield, OneModelDoesNotSpeakForAnother) {
  begin("patience: 1ms, answerBy: [m], rules: [say it]");
  load("m");
  send("/v1/audio/speech", R"({"model":"other","input":"say it"})");
  EXPECT_TRUE(run_until([this] { return is_wanted("other"); }));
}

TEST_F(AuxYield, NorDoItsNumbersMeanAnything) {
  begin("patience: 1ms, answerBy: [m]");
  load("m");
  send("/api/embed", R"({"model":"other","input":"word"})");
  EXPECT_TRUE(run_until([this] { return is_wanted("other"); }));
}

}  // namespace
}  // namespace rouse
