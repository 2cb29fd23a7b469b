#include "base/process/run_program.hpp"

#include "base/process/spawn.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace rouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RunProgram : public StreamFixture {
 protected:
  ProgramRun shell(const std::string& script) {
    ProgramRun run;
    run.argv = {"sh", "-c", script};
    run.env = {"ROUSE_RUN_PROGRAM=" + mark_};
    return run;
  }
  Result<ProgramEnd> end_of(ProgramRun program) {
    return run(run_program(io_.get_executor(), std::move(program)));
  }
  [[nodiscard]] std::vector<pid_t> left() const {
    return test::processes_with_environment("ROUSE_RUN_PROGRAM=" + mark_);
  }

  test::TempDir dir_;
  const std::string mark_ = std::filesystem::path(dir_.path()).filename().string();
};

TEST_F(RunProgram, GivesStatusAndOutput) {
  const auto end = end_of(shell("echo one; echo two >&2; exit 3"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_status(), 3);
  EXPECT_FALSE(end->timed_out);
  EXPECT_EQ(end->output, "one\ntwo\n");
}

TEST_F(RunProgram, WhatCannotBeStartedIsAnError) {
  ProgramRun program;
  program.argv = {"/no/such/program"};
  const auto end = end_of(program);
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().message(), HasSubstr("/no/such/program"));
  EXPECT_FALSE(end_of(ProgramRun{}));
}

TEST_F(RunProgram, OneThatTakesTooLongIsKilledWithItsChildren) {
  ProgramRun program = shell("sleep 1000 & echo started; wait");
  program.timeout = std::chrono::milliseconds(100);
  const auto end = end_of(program);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->timed_out);
  EXPECT_EQ(end->exit_status(), -1);
  EXPECT_EQ(end->output, "started\n");
  EXPECT_TRUE(test::wait_until([this] { return left().empty(); }));
}

TEST_F(RunProgram, MuchOutputHoldsNobodyUpAndIsCut) {
  ProgramRun program = shell("head -c 3000000 /dev/zero; exit 7");
  program.output_max = 1000;
  const auto end = end_of(program);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_status(), 7);
  EXPECT_EQ(end->output.size(), 1000u);
}

TEST_F(RunProgram, WhatStaysInTheBackgroundIsNotWaitedFor) {
  // The pipe stays open in the child, which a terminal's hangup would not reach either.
  const auto end = end_of(shell("sleep 1000 & echo $!; exit 0"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_status(), 0);
  const pid_t child = std::stoi(end->output);
  EXPECT_EQ(::kill(child, SIGKILL), 0);
}

TEST_F(RunProgram, GoesWithItsCaller) {
  std::optional<Result<ProgramEnd>> end;
  group_.spawn(keep(run_program(io_.get_executor(), shell("sleep 1000")), end));
  ASSERT_TRUE(run_until([this] { return !left().empty(); }));
  group_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([&end] { return end.has_value(); }));
  ASSERT_FALSE(*end);
  EXPECT_EQ(end->error().code, asio::error::operation_aborted);
  EXPECT_TRUE(test::wait_until([this] { return left().empty(); }));
}

TEST_F(RunProgram, ASignalThatEndsItIsNoStatus) {
  const auto end = end_of(shell("kill -TERM $$"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_status(), -1);
  EXPECT_FALSE(end->timed_out);
  EXPECT_THAT(exit_text(end->status), HasSubstr("killed by signal 15"));
}

}  // namespace
}  // namespace rouse
