#include "proxy/check/finding_look.hpp"

#include "tests/proxy/check/fake_files.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <vector>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class FindingLookTest : public testing::Test {
 protected:
  static std::shared_ptr<const LoadedConfig> config(const std::string& cmd) {
    return std::make_shared<const LoadedConfig>(
        parse_config("models: {a: {cmd: \"" + cmd + " ${PORT}\"}}\n", "c.yaml"));
  }
  void look(FindingLook& looking, const std::string& cmd, const MachineFiles& files) {
    CheckedPlace place;
    place.files = &files;
    looking.look(config(cmd), place, [this](const std::vector<Finding>& found) {
      std::string text;
      for (const Finding& each : found) text += each.title + ": " + each.what + "\n";
      told_.push_back(text);
    });
  }

  asio::io_context io_{1};
  TaskGroup tasks_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  std::vector<std::string> told_;
};

TEST_F(FindingLookTest, TellsWhatItFinds) {
  const FakeFiles files;
  FindingLook looking(tasks_, 1h);
  look(looking, "/x", files);
  io_.run();
  EXPECT_THAT(told_, ElementsAre(HasSubstr("program /x does not exist")));
}

TEST_F(FindingLookTest, TheNewestLookIsTheOneThatIsTold) {
  const FakeFiles files;
  FindingLook looking(tasks_, 1h);
  for (const char* const program : {"/first", "/second", "/third"}) look(looking, program, files);
  io_.run();
  EXPECT_THAT(told_, ElementsAre(HasSubstr("/first"), HasSubstr("/third")));
}

TEST_F(FindingLookTest, FilesThatDoNotAnswerHoldNobody) {
  HungFiles& hung = hung_files();
  FindingLook looking(tasks_, 20ms);
  look(looking, "/x > log", hung);
  io_.run();
  ASSERT_THAT(told_, ElementsAre(testing::AllOf(
                         HasSubstr("no shell reads \">\""),
                         HasSubstr("files: the folders of programs and models do not answer"))));
  // While the first hangs nobody else is sent after it.
  io_.restart();
  const FakeFiles files;
  look(looking, "/x", files);
  io_.run();
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_THAT(told_.back(), testing::StartsWith("files: "));
  hung.release();
}

TEST_F(FindingLookTest, ALookThatComesBackAtOnceLeavesNoLimitBehind) {
  // Whether the thread of a look is back before the loop looks is chance: in some of so many it is.
  constexpr std::size_t kLooks = 500;
  const FakeFiles files;
  FindingLook looking(tasks_, 1h);
  for (std::size_t i = 0; i < kLooks; ++i) {
    asio::post(io_, [&] { look(looking, "/x", files); });
    io_.run_for(10s);
    ASSERT_TRUE(io_.stopped()) << "look " << i << " goes on for an hour";
    io_.restart();
  }
  EXPECT_EQ(told_.size(), kLooks);
}

TEST_F(FindingLookTest, TheEndOfTheProgramTellsNothing) {
  HungFiles& hung = hung_files();
  FindingLook looking(tasks_, 1h);
  look(looking, "/x", hung);
  asio::post(io_, [this] { tasks_.cancel(asio::cancellation_type::terminal); });
  io_.run_for(10s);
  EXPECT_TRUE(io_.stopped());
  EXPECT_TRUE(told_.empty());
  hung.release();
}

}  // namespace
}  // namespace rouse
