#include "base/service/private_files.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <fstream>
#include <iterator>

namespace rouse {
namespace {

using testing::HasSubstr;

class PrivateFiles : public testing::Test {
 protected:
  static unsigned mode_of(const std::string& path) {
    struct stat seen {};
    return ::lstat(path.c_str(), &seen) == 0 ? seen.st_mode & 07777U : 0;
  }
  static std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  test::TempDir dir_;
};

TEST_F(PrivateFiles, AFolderIsMadeForUsAlone) {
  ::umask(0);
  ASSERT_TRUE(make_private_folder(dir_ / "a/b/c"));
  for (const char* const name : {"a", "a/b", "a/b/c"}) EXPECT_EQ(mode_of(dir_ / name), 0700U);
  EXPECT_TRUE(make_private_folder(dir_ / "a/b/c/")) << "once more, as a person writes it";
  ::umask(022);
}

TEST_F(PrivateFiles, AFolderThatWasOpenIsClosedButForItsGroupToPass) {
  ASSERT_EQ(::mkdir((dir_ / "open").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((dir_ / "open").c_str(), 0777), 0);
  ASSERT_TRUE(make_private_folder(dir_ / "open"));
  EXPECT_EQ(mode_of(dir_ / "open"), 0710U);
}

TEST_F(PrivateFiles, WhatCannotBeMadeIsSaid) {
  std::ofstream(dir_ / "file") << "x";
  const Result<void> made = make_private_folder(dir_ / "file/below");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), HasSubstr("file/below"));
  EXPECT_FALSE(make_private_folder(dir_ / "file"));
}

TEST_F(PrivateFiles, AFileIsReplacedWhole) {
  const std::string path = dir_ / "state";
  std::ofstream(path) << "old";
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  std::ofstream(path + ".new") << "left over";
  ASSERT_EQ(::chmod((path + ".new").c_str(), 0666), 0);
  ASSERT_TRUE(write_private_file(path, "new"));
  EXPECT_EQ(text_of(path), "new");
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(mode_of(path + ".new"), 0U) << "it is gone";
  EXPECT_FALSE(write_private_file(dir_ / "nowhere/state", "x"));
}

TEST_F(PrivateFiles, OfAnEarlierVersionAreClosed) {
  const std::string path = dir_ / "history";
  std::ofstream(path) << "x";
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  make_private(path);
  EXPECT_EQ(mode_of(path), 0600U);
  ASSERT_EQ(::mkdir((dir_ / "folder").c_str(), 0755), 0);
  make_private(dir_ / "folder");
  make_private(dir_ / "nothing");
  EXPECT_EQ(mode_of(dir_ / "folder"), 0755U) << "files only";
}

}  // namespace
}  // namespace rouse
