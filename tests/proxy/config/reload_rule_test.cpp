#include "proxy/config/reload_rule.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kModel = "models: {m: {cmd: \"x ${PORT}\"}}\n";
constexpr const char* kPeer = "peers: {p: {proxy: \"http://h:1\"}}\n";
constexpr const char* kKey = "apiKeys: [k]\n";

LoadedConfig loaded(const std::string& text) {
  LoadedConfig config = parse_config(text, "c.yaml");
  EXPECT_NE(config.config, nullptr) << text;
  return config;
}

std::string fault(const std::string& running, const std::string& next) {
  return reload_fault(*loaded(running).config, loaded(next));
}

TEST(ReloadRule, ModelsGoAwayAltogetherOnlyWhenTheFileSaysSo) {
  for (const char* const next : {"", "\n\n", "# models\n", "models:\n", "logLevel: info\n"}) {
    EXPECT_THAT(fault(kModel, next), HasSubstr("no models at all, so all engines would stop"))
        << next;
  }
  EXPECT_THAT(fault(kModel, "models: {}\n"), IsEmpty());
  EXPECT_THAT(fault(kModel, "models: {n: {cmd: \"y ${PORT}\"}}\n"), IsEmpty());
}

TEST(ReloadRule, TheSameIsTrueOfPeersAndKeys) {
  const std::string all = std::string(kModel) + kPeer + kKey;
  EXPECT_THAT(fault(all, std::string(kModel) + kKey), HasSubstr("\"peers: {}\""));
  EXPECT_THAT(fault(all, std::string(kModel) + kKey + "peers: {}\n"), IsEmpty());
  EXPECT_THAT(fault(all, std::string(kModel) + kPeer), HasSubstr("everybody could use the proxy"));
  EXPECT_THAT(fault(all, std::string(kModel) + kPeer + "apiKeys: []\n"), IsEmpty());
  EXPECT_THAT(fault(all, std::string(kModel) + kPeer + "keys: {}\n"), IsEmpty());
  // One of them does not stand for the others.
  EXPECT_THAT(fault(all, std::string(kPeer) + kKey), HasSubstr("\"models: {}\""));
}

TEST(ReloadRule, WhoHadNothingLosesNothing) {
  EXPECT_THAT(fault("{}\n", ""), IsEmpty());
  EXPECT_THAT(fault(kPeer, std::string(kPeer) + kModel), IsEmpty());
}

}  // namespace
}  // namespace rouse
