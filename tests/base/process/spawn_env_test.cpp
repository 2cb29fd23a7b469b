// What of our environment a program gets.
#include "base/process/spawn.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SpawnEnvironment : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* const name : kNames) ::setenv(name, "set", 1);
  }
  void TearDown() override {
    withhold_from_programs({});
    for (const char* const name : kNames) ::unsetenv(name);
  }

  /// What `env` prints, with a line end before it.
  static std::string environment(const std::vector<std::string>& more = {}) {
    Result<Spawned> spawned = spawn({"env"}, more);
    if (!spawned) return spawned.error().message();
    ::fcntl(spawned->output.get(), F_SETFL, 0);
    std::string text = "\n";
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(spawned->output.get(), buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(n));
    }
    reap(spawned->pid);
    return text;
  }

  static constexpr const char* kNames[] = {
      "ROUSE_KEY",          "ROUSE_RELAY_TOKEN",    "ROUSE_URL",  "NOTIFY_SOCKET",
      "WATCHDOG_USEC",      "LISTEN_FDS",           "LISTEN_PID", "LISTEN_FDNAMES",
      "MY_SECRET_OF_TESTS", "CREDENTIALS_DIRECTORY"};
};

TEST_F(SpawnEnvironment, LacksWhatIsForUsAlone) {
  EXPECT_THAT(environment(),
              AllOf(Not(HasSubstr("\nROUSE_KEY=")), Not(HasSubstr("\nROUSE_RELAY_TOKEN=")),
                    Not(HasSubstr("\nNOTIFY_SOCKET=")), Not(HasSubstr("\nWATCHDOG_USEC=")),
                    Not(HasSubstr("\nLISTEN_")), Not(HasSubstr("\nCREDENTIALS_DIRECTORY=")),
                    HasSubstr("\nROUSE_URL=set\n"), HasSubstr("\nMY_SECRET_OF_TESTS=set\n"),
                    HasSubstr("\nPATH=")));
}

TEST_F(SpawnEnvironment, LacksWhatIsWithheldUntilThatChanges) {
  withhold_from_programs({"MY_SECRET_OF_TESTS"});
  EXPECT_THAT(environment(), Not(HasSubstr("MY_SECRET_OF_TESTS")));
  withhold_from_programs({});
  EXPECT_THAT(environment(), HasSubstr("\nMY_SECRET_OF_TESTS=set\n"));
}

TEST_F(SpawnEnvironment, HasWhatItIsGivenAllTheSame) {
  withhold_from_programs({"MY_SECRET_OF_TESTS"});
  EXPECT_THAT(environment({"MY_SECRET_OF_TESTS=given", "ROUSE_KEY=given"}),
              AllOf(HasSubstr("\nMY_SECRET_OF_TESTS=given\n"), HasSubstr("\nROUSE_KEY=given\n")));
}

}  // namespace
}  // namespace rouse
