#include "proxy/engine/prefetcher.hpp"

#include "tests/support/cold_file.hpp"
#include "tests/support/skip.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

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
  bool comes(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < end) {
      io_.restart();
      io_.run_for(std::chrono::milliseconds(2));
    }
    return done();
  }

  asio::io_context io_;
  TaskGroup group_{io_.get_executor(), [](const std::string& what) { ADD_FAILURE() << what; }};
  Prefetcher prefetcher_{group_};
};

TEST_F(PrefetcherTest, ReadsWhatIsWantedLast) {
  constexpr std::uint64_t kSize = 3'000'000;
  const test::ColdFile first(kSize);
  const test::ColdFile second(kSize);
  if (!first.is_cold()) ROUSE_SKIP("disk", "the file system here keeps all files in memory");
  prefetcher_.want("a", {"/nowhere", first.path()});
  EXPECT_TRUE(comes([&] { return first.is_warm_at(kSize - 1); }));
  prefetcher_.want("b", {second.path()});
  EXPECT_TRUE(comes([&] { return second.is_warm_at(kSize - 1); }));
}

}  // namespace
}  // namespace rouse
