#include "base/service/log.hpp"

#include "base/posix.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace rouse {
namespace {

using namespace std::string_view_literals;

TEST(ForLog, KeepsATextOnOneLineAndShort) {
  EXPECT_EQ(for_log("plain ü"), "plain ü");
  EXPECT_EQ(for_log("a\nb\x1b\x7f\0c"sv), "a\\x0ab\\x1b\\x7f\\x00c");
  EXPECT_EQ(for_log("abc", 3), "abc");
  EXPECT_EQ(for_log("abcd", 3), "abc…");
}

/// stderr is a file, and $JOURNAL_STREAM says what it is to be.
class Stderr : public testing::Test {
 protected:
  Stderr() : before_(::dup(STDERR_FILENO)), file_(::memfd_create("stderr", 0)) {
    ::dup2(file_.get(), STDERR_FILENO);
    struct stat status {};
    ::fstat(file_.get(), &status);
    stream_ = fmt::format("{}:{}", status.st_dev, status.st_ino);
  }
  ~Stderr() override {
    ::dup2(before_.get(), STDERR_FILENO);
    ::unsetenv("JOURNAL_STREAM");
  }
  [[nodiscard]] std::string written() const {
    std::string text(4096, '\0');
    const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

  UniqueFd before_;
  UniqueFd file_;
  std::string stream_;
};

TEST_F(Stderr, OfTheJournalGetsAPriorityForEachLine) {
  ::setenv("JOURNAL_STREAM", stream_.c_str(), 1);
  EXPECT_TRUE(stderr_is_journal());
  write_stderr_line(LinePriority::Error, "one\ntwo");
  asio::io_context context(1);
  set_up_log(context.get_executor(), LogOptions{"info", "", true}, {});
  spdlog::info("begun");
  spdlog::warn("failed:\n  why");
  spdlog::error("broken");
  close_log();
  EXPECT_EQ(written(), "<3>one\n<3>two\n<6>begun\n<4>failed:\n<4>      why\n<3>broken\n");
}

TEST_F(Stderr, HasNoLineThatAClientHasWritten) {
  ::unsetenv("JOURNAL_STREAM");
  asio::io_context context(1);
  set_up_log(context.get_executor(), LogOptions{"info", "", true}, {});
  spdlog::info("id a\n12:00:00.000 W forged\r\x1b[2J");
  close_log();
  EXPECT_THAT(written(), testing::EndsWith(" I id a\n    12:00:00.000 W forged\\x0d\\x1b[2J\n"));
}

TEST_F(Stderr, ThatGoesElsewhereGetsNone) {
  // As in a shell of a service: the variable is inherited, and stderr is a file.
  for (const char* const other : {"8:12345", "", "nonsense"}) {
    ::setenv("JOURNAL_STREAM", other, 1);
    EXPECT_FALSE(stderr_is_journal());
  }
  ::unsetenv("JOURNAL_STREAM");
  write_stderr_line(LinePriority::Error, "plain");
  EXPECT_EQ(written(), "plain\n");
}

}  // namespace
}  // namespace rouse
