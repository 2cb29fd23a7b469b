#include "proxy/check/start_look.hpp"

#include "proxy/config/command_line.hpp"
#include "tests/proxy/check/fake_files.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <optional>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr const char* kMissing =
    "model a cannot be loaded: -m /m/a.gguf: there is no such file: correct the path, or put the "
    "file there; is the disk mounted?";

class StartLookTest : public testing::Test {
 protected:
  static ModelConfig model(const std::string& cmd) {
    ModelConfig made;
    made.id = "a";
    made.cmd = cmd;
    made.argv = split_command(cmd);
    return made;
  }
  Task<void> keep(ModelConfig model) {
    std::string obstacle = co_await looking_->obstacle(model);
    told_.push_back(std::move(obstacle));
  }
  std::vector<std::string> ask(const std::string& cmd, int times = 1) {
    told_.clear();
    for (int i = 0; i < times; ++i) tasks_.spawn(keep(model(cmd)));
    io_.restart();
    // Not until all is done: a look that hangs never is.
    while (told_.size() < static_cast<std::size_t>(times) && io_.run_one_for(10s) > 0) {
    }
    return told_;
  }
  void TearDown() override {
    tasks_.cancel(asio::cancellation_type::terminal);
    io_.restart();
    io_.run_for(10s);
  }

  asio::io_context io_{1};
  TaskGroup tasks_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  std::optional<StartLook> looking_;
  std::vector<std::string> told_;
};

TEST_F(StartLookTest, NamesTheFileThatIsMissing) {
  FakeFiles files;
  files.folder("/b").program("/b/x").program("/b/wrap", "#!/b/x\n").program("/b/docker");
  looking_.emplace(tasks_, 1h, files);
  EXPECT_THAT(ask("/b/x -m /m/a.gguf"), ElementsAre(kMissing));
  EXPECT_THAT(ask("/b/none -m /m/a.gguf"),
              ElementsAre("program /b/none of model a does not exist: correct the path, or install "
                          "it there"));
  for (const char* const cmd : {"/b/wrap -m /m/a.gguf", "/b/docker run x -m /m/a.gguf", "/b/x",
                                "/b/x -m org/name", "/b/x -hf org/name -m /m/a.gguf"}) {
    EXPECT_THAT(ask(cmd), ElementsAre("")) << cmd;
  }
  files.file("/m/a.gguf");
  EXPECT_THAT(ask("/b/x -m /m/a.gguf"), ElementsAre(""));
}

TEST_F(StartLookTest, ManyWhoAskAtOnceGetOneAnswer) {
  FakeFiles files;
  files.program("/b/x");
  looking_.emplace(tasks_, 1h, files);
  EXPECT_THAT(ask("/b/x -m /m/a.gguf", 3), ElementsAre(kMissing, kMissing, kMissing));
}

TEST_F(StartLookTest, ALookThatHangsHoldsNobodyForLong) {
  HungFiles& files = hung_files();
  looking_.emplace(tasks_, 20ms, files);
  EXPECT_THAT(ask("/b/x -m /m/a.gguf", 2), ElementsAre("", ""));
  EXPECT_THAT(ask("/b/x -m /m/a.gguf"), ElementsAre(""));
  EXPECT_EQ(files.looks(), 1);
  files.release();
}

}  // namespace
}  // namespace rouse
