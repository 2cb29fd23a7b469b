#include "tests/support/certificates.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace rouse {
namespace {

using test::ChildProcess;
using test::Identity;
using testing::HasSubstr;

class TlsProgramTest : public testing::Test {
 protected:
  std::vector<std::string> serve(const std::string& config, std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {test::built_program("rouse"),
                                     "serve",
                                     "--config",
                                     dir_.write("config.yaml", config),
                                     "--listen",
                                     "127.0.0.1:0",
                                     "--state-dir",
                                     dir_ / "state"};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }
  static std::string port_of(const ChildProcess& rouse) {
    const std::string mark = "listening on https://127.0.0.1:";
    const std::string log = rouse.output();
    const auto at = log.find(mark);
    if (at == std::string::npos) return {};
    return log.substr(at + mark.size(), log.find(' ', at + mark.size()) - at - mark.size());
  }
  std::pair<int, std::string> curl(const std::string& port) {
    return test::run_program({"/usr/bin/env", "curl", "-sSv", "-m", "10", "--cacert", ca_,
                              "https://localhost:" + port + "/v1/models"});
  }

  test::TempDir dir_;
  const Identity authority_{nullptr, {"Test Authority", {}}};
  const Identity identity_{&authority_};
  const std::string ca_ = dir_.write("ca.pem", authority_.certificate());
  const std::string cert_ = dir_.write("cert.pem", identity_.certificate());
  const std::string key_ = dir_.write("key.pem", identity_.key());
};

TEST_F(TlsProgramTest, ServesHttpsAndReadsItsCertificateAgain) {
  ChildProcess rouse(serve("models: {}\n", {"--tls-cert-file", cert_, "--tls-key-file", key_}));
  ASSERT_TRUE(rouse.wait_for_output("listening on https://")) << rouse.output();
  const std::string port = port_of(rouse);
  const auto [status, answer] = curl(port);
  EXPECT_EQ(status, 0) << answer;
  EXPECT_THAT(answer, HasSubstr("\"object\":\"list\""));

  const Identity next(&authority_, {"next", {"DNS:localhost"}});
  dir_.write("cert.pem", next.certificate());
  rouse.signal(SIGHUP);
  ASSERT_TRUE(rouse.wait_for_output("the key does not belong to the certificate"));
  EXPECT_THAT(curl(port).second, HasSubstr("subject: CN=localhost"));
  dir_.write("key.pem", next.key());
  rouse.signal(SIGHUP);
  EXPECT_TRUE(test::wait_until(
      [&] { return curl(port).second.find("subject: CN=next") != std::string::npos; }));
  rouse.signal(SIGTERM);
  EXPECT_EQ(rouse.wait(), 0) << rouse.output();
}

TEST_F(TlsProgramTest, TheConfigurationCanAskForHttps) {
  ChildProcess rouse(serve("models: {}\ntls: {cert: " + cert_ + ", key: " + key_ + "}\n"));
  ASSERT_TRUE(rouse.wait_for_output("listening on https://")) << rouse.output();
  EXPECT_EQ(curl(port_of(rouse)).first, 0);
}

TEST_F(TlsProgramTest, OneFlagAloneOrABadFileEndsTheStart) {
  const auto half = test::run_program(serve("models: {}\n", {"--tls-cert-file", cert_}));
  EXPECT_EQ(half.first, 2);
  EXPECT_THAT(half.second, HasSubstr("need each other"));
  const auto bad = test::run_program(
      serve("models: {}\n", {"--tls-cert-file", cert_, "--tls-key-file", dir_ / "none.pem"}));
  EXPECT_EQ(bad.first, 1);
  EXPECT_THAT(bad.second, HasSubstr("none.pem: No such file"));
}

}  // namespace
}  // namespace rouse
