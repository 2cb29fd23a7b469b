#include "proxy/check/machine_files.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>

namespace rouse {
namespace {

using Kind = FileFacts::Kind;

TEST(MachineFiles, KnowWhatThereIsAndWhatCannotBeSeen) {
  const test::TempDir dir;
  const std::string file = dir.write("plain", "12345");
  ::chmod(file.c_str(), 0600);
  const MachineFiles& files = real_files();
  EXPECT_EQ(files.look(file).kind, Kind::File);
  EXPECT_FALSE(files.look(file).has_run_bit);
  EXPECT_TRUE(files.look(file).may_read);
  ::chmod(file.c_str(), 0700);
  EXPECT_TRUE(files.look(file).has_run_bit);
  EXPECT_EQ(files.head(file, 3), "123");
  EXPECT_EQ(files.look(dir.path().string()).kind, Kind::Folder);
  EXPECT_EQ(files.look(dir / "missing").kind, Kind::Missing);
  EXPECT_EQ(files.look(file + "/below").kind, Kind::Missing);
  std::filesystem::create_symlink("loop", dir.path() / "loop");
  EXPECT_EQ(files.look(dir / "loop/x").kind, Kind::Unknown) << "nobody can say what is there";
  EXPECT_EQ(files.head(dir / "missing", 3), "");
}

TEST(MachineFiles, AFifoThatNobodyWritesToHoldsNobody) {
  const test::TempDir dir;
  const std::string fifo = dir / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(real_files().look(fifo).kind, Kind::Other);
  EXPECT_EQ(real_files().head(fifo, 10), "");
}

}  // namespace
}  // namespace rouse
