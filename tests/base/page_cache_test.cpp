#include "base/page_cache.hpp"

#include "base/posix.hpp"
#include "tests/support/cold_file.hpp"
#include "tests/support/skip.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace rouse {
namespace {

constexpr std::uint64_t kSize = 9 * 1024 * 1024 + 5;
constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
const std::atomic<bool> kGoOn = false;

TEST(ReadAheadTest, BringsAFileIntoTheCacheOnceAndWhole) {
  const test::ColdFile file(kSize);
  if (!file.is_cold()) ROUSE_SKIP("disk", "the file system here keeps all files in memory");
  const ReadAhead first = read_ahead(file.path(), kAll, kGoOn);
  EXPECT_EQ(first.bytes, kSize);
  EXPECT_GT(first.from_disk, 0U);
  EXPECT_TRUE(file.is_warm_at(kSize - 1));
  const ReadAhead again = read_ahead(file.path(), kAll, kGoOn);
  EXPECT_EQ(again.bytes, kSize);
  EXPECT_EQ(again.from_disk, 0U);
}

TEST(ReadAheadTest, TakesNoMoreThanItMayAndEndsWhenItIsTold) {
  const test::ColdFile file(kSize);
  EXPECT_EQ(read_ahead(file.path(), 3'000'000, kGoOn).bytes, 3'000'000U);
  const std::atomic<bool> stop = true;
  EXPECT_EQ(read_ahead(file.path(), kAll, stop).bytes, 0U);
}

TEST(ReadAheadTest, OfWhatIsNoFileThereIsNothing) {
  EXPECT_EQ(read_ahead("/nowhere/at/all", kAll, kGoOn).bytes, 0U);
  EXPECT_EQ(read_ahead("/dev/zero", kAll, kGoOn).bytes, 0U);
  EXPECT_EQ(read_ahead("/", kAll, kGoOn).bytes, 0U);
}

TEST(AvailableMemory, IsWhatTheKernelSays) {
  EXPECT_GT(available_memory(), 1024U * 1024);
  EXPECT_EQ(available_memory() % 1024, 0U);
}

}  // namespace
}  // namespace rouse
