#include "proxy/engine/prefetcher.hpp"

#include "tests/support/cold_file.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <optional>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> files_of(const std::string& cmd) {
  ModelConfig model;
  model.cmd = cmd;
  return files_to_prefetch(model);
}

TEST(FilesToPrefetch, AreThoseThatTheCommandNames) {
  EXPECT_THAT(files_of("llama-server -m /m/a.gguf --mmproj /m/a-mm.gguf -c 4096"),
              ElementsAre("/m/a.gguf", "/m/a-mm.gguf"));
  EXPECT_THAT(files_of("llama-server -m /m/a-00001-of-00003.gguf"),
              ElementsAre("/m/a-00001-of-00003.gguf", "/m/a-00002-of-00003.gguf",
                          "/m/a-00003-of-00003.gguf"));
  EXPECT_THAT(files_of("llama-server -m /m/a-00001-of-99999.gguf"),
              ElementsAre("/m/a-00001-of-99999.gguf"));
  EXPECT_THAT(files_of("vllm serve --model /m/folder"), ElementsAre("/m/folder"));
}

TEST(FilesToPrefetch, AreNoneOfAnotherPlace) {
  EXPECT_THAT(files_of("docker run --rm image -m /m/a.gguf"), IsEmpty());
  EXPECT_THAT(files_of("llama-server -hf org/model"), IsEmpty());
}

TEST(FilesToPrefetch, AreThoseOfTheConfigurationWhereItNamesAny) {
  ModelConfig model;
  model.cmd = "llama-server -m /m/a.gguf";
  model.prefetch = {"/m/other"};
  EXPECT_THAT(files_to_prefetch(model), ElementsAre("/m/other"));
  model.prefetch.emplace();
  EXPECT_THAT(files_to_prefetch(model), IsEmpty());
}

class PrefetcherTest : public testing::Test {
 protected:
  /// Reads nothing, but stays away until it is told that it is over.
  ReadAhead read(const std::vector<std::string>& files, const std::atomic<bool>& is_over) {
    const int turn = turns_;
    asked_.at(static_cast<std::size_t>(turn)) = files.front();
    turns_ = turn + 1;
    const bool was_told = test::wait_until([&] { return is_over.load(); });
    EXPECT_TRUE(was_told);
    return {};
  }
  bool comes(const std::function<bool()>& done) {
    return test::wait_until([&] {
      io_.restart();
      io_.poll();
      return done();
    });
  }

  void TearDown() override {
    if (prefetcher_) prefetcher_->want({}, {});
    EXPECT_TRUE(comes([this] { return group_.size() == 0; }));
  }

  std::array<std::string, 8> asked_;  // written by one thread after the other
  std::atomic<int> turns_ = 0;        // how many of them may be looked at
  asio::io_context io_;
  TaskGroup group_{io_.get_executor(), [](const std::string& what) { ADD_FAILURE() << what; }};
  std::optional<Prefetcher> prefetcher_;
};

TEST_F(PrefetcherTest, ReadsWhatIsWantedLastAndGivesUpWhatWasBefore) {
  prefetcher_.emplace(
      group_, [this](const std::vector<std::string>& files, const std::atomic<bool>& is_over) {
        return read(files, is_over);
      });
  prefetcher_->want("a", {"first"});
  ASSERT_TRUE(comes([&] { return turns_ == 1; }));
  prefetcher_->want("a", {"first"});
  prefetcher_->want("b", {"second"});
  prefetcher_->want("c", {"third"});
  ASSERT_TRUE(comes([&] { return turns_ == 2; }));
  EXPECT_EQ(asked_[0], "first");
  EXPECT_EQ(asked_[1], "third");
  prefetcher_->want({}, {});
  prefetcher_->want("a", {"first"});
  EXPECT_TRUE(comes([&] { return turns_ == 3; })) << "once more, since it is wanted again";
}

TEST_F(PrefetcherTest, BringsAFileIntoMemory) {
  constexpr std::uint64_t kSize = 3'000'000;
  const test::ColdFile file(kSize);
  if (!file.is_cold()) ROUSE_SKIP("disk", "the file system here keeps all files in memory");
  prefetcher_.emplace(group_);
  prefetcher_->want("a", {"/nowhere", file.path()});
  EXPECT_TRUE(comes([&] { return file.is_warm_at(kSize - 1); }));
}

}  // namespace
}  // namespace rouse
