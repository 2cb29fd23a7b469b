#include "proxy/access/listener_tls.hpp"

#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StrEq;

class ListenerTlsTest : public testing::Test {
 protected:
  std::shared_ptr<const Config> config(const std::string& tls) {
    LoadedConfig loaded = parse_config("models: {}\n" + tls, "c.yaml");
    for (const Problem& problem : loaded.problems) problems_.push_back(problem.str());
    return loaded.config;
  }
  std::string pair() { return "tls: {cert: " + cert_ + ", key: " + key_ + "}\n"; }

  test::TempDir dir_;
  const test::Identity identity_;
  const std::string cert_ = dir_.write("cert.pem", identity_.certificate());
  const std::string key_ = dir_.write("key.pem", identity_.key());
  std::vector<std::string> problems_;
};

TEST_F(ListenerTlsTest, NothingGivenIsPlainHttp) {
  ListenerTls tls("", "");
  ASSERT_TRUE(tls.start(*config("")));
  EXPECT_EQ(tls.context(), nullptr);
  EXPECT_THAT(tls.scheme(), StrEq("http"));
  EXPECT_TRUE(tls.reload(*config(pair()))) << "it takes a restart, and is no fault";
  EXPECT_EQ(tls.context(), nullptr);
}

TEST_F(ListenerTlsTest, TheConfigurationNamesTheFiles) {
  const auto given = config(pair());
  ASSERT_NE(given, nullptr);
  EXPECT_EQ(given->tls.least, TlsVersion::Tls12);
  ListenerTls tls("", "");
  ASSERT_TRUE(tls.start(*given));
  ASSERT_NE(tls.context(), nullptr);
  EXPECT_NE(tls.context()->accept(), nullptr);
  EXPECT_THAT(tls.scheme(), StrEq("https"));
}

TEST_F(ListenerTlsTest, TheFlagsWin) {
  ListenerTls tls(cert_, key_);
  EXPECT_TRUE(tls.start(*config("tls: {cert: /none, key: /none}\n")));
}

TEST_F(ListenerTlsTest, ABadPairStopsTheStartButNotAReload) {
  ListenerTls bad(cert_, dir_ / "none.pem");
  EXPECT_FALSE(bad.start(*config("")));
  ListenerTls good(cert_, key_);
  ASSERT_TRUE(good.start(*config("")));
  dir_.write("key.pem", test::Identity().key());
  EXPECT_FALSE(good.reload(*config("")));
  EXPECT_NE(good.context()->accept(), nullptr);
  dir_.write("key.pem", identity_.key());
  EXPECT_TRUE(good.reload(*config("")));
}

TEST_F(ListenerTlsTest, HalfAPairIsAFault) {
  EXPECT_EQ(config("tls: {cert: a.pem}\n"), nullptr);
  EXPECT_EQ(config("tls: {key: a.pem}\n"), nullptr);
  EXPECT_EQ(config("tls: {cert: a, key: b, minVersion: \"1.1\"}\n"), nullptr);
  EXPECT_THAT(problems_, Contains(HasSubstr("a certificate needs its key")));
  EXPECT_THAT(problems_, Contains(HasSubstr("a key needs its certificate")));
  EXPECT_THAT(problems_, Contains(HasSubstr("1.2")));
  const auto raised = config("tls: {cert: a, key: b, minVersion: 1.3}\n");
  ASSERT_NE(raised, nullptr);
  EXPECT_EQ(raised->tls.least, TlsVersion::Tls13);
}

TEST_F(ListenerTlsTest, HandshakesOfModelsAndPeersHaveTheirLimit) {
  const auto given = config(
      "peers: {attic: {proxy: 'https://attic', models: [m], timeouts: {tlsHandshake: 3}}}\n");
  ASSERT_NE(given, nullptr);
  EXPECT_EQ(given->peers.at("attic").endpoint.tls_timeout, std::chrono::seconds(3));
}

}  // namespace
}  // namespace rouse
