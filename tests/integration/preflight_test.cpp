#include "tests/integration/demo_world.hpp"
#include "tests/support/child_process.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kChat = "/v1/chat/completions";

/// A model whose program is @p program, which may not be there.
std::string model_of(std::string_view id, const std::string& program) {
  const std::uint16_t port = free_port();
  return fmt::format(
      "  {0}:\n    cmd: {1} --name {0} --port {2}\n    proxy: http://127.0.0.1:{2}\n", id, program,
      port);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Preflight, AModelWithoutItsProgramEvictsNobody) {
  const TempDir dir;
  const std::string program = dir / "engine";
  World world(models({fake_model("a"), model_of("b", program)}, "schedule: {minResidency: 0s}"));
  const ProbeResponse first = world.post(kChat, chat("a"));
  ASSERT_EQ(first.status, 200);

  const std::string wanted = fmt::format(
      "program {} of model b does not exist: correct the path, or install it there", program);
  for (const bool stream : {false, true, false, false, false}) {
    const ProbeResponse answer = world.post(kChat, chat("b", stream));
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr(wanted));
    EXPECT_NE(answer.header("retry-after"), "");
  }
  EXPECT_EQ(world.post("/api/models/load/b", "").status, 503);
  EXPECT_THAT(world.post("/api/models/load/b", "").body, HasSubstr(wanted));
  EXPECT_EQ(world.post(kChat, chat("a")).header("x-fake-engine"), first.header("x-fake-engine"))
      << "it is the same engine as before";
  EXPECT_THAT(world.log(), Not(HasSubstr("stop a")));
  EXPECT_EQ(count_of(world.log(), "b cannot be started: " + wanted), 1U) << world.log();
  EXPECT_THAT(world.get("/api/queue").body, HasSubstr("cannot start b: "));

  // It appears, and works without a restart, a reload, or a pause.
  dir.write("engine", fmt::format("#!/bin/sh\nexec {} \"$@\"\n", built_program("fake_engine")));
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  // And goes again, which is told again.
  ASSERT_EQ(::chmod(program.c_str(), 0644), 0);
  EXPECT_THAT(world.post(kChat, chat("b")).body, HasSubstr("has no x bit: chmod +x "));
  EXPECT_THAT(world.log(), HasSubstr("b cannot be started: program "));
  EXPECT_THAT(world.children(), SizeIs(1));
}

TEST(Preflight, AModelWithoutItsFileEvictsNobody) {
  const TempDir dir;
  const std::string file = dir / "b.gguf";
  World world(
      models({fake_model("a"), fake_model("b", "-m " + file)}, "schedule: {minResidency: 0s}"));
  const ProbeResponse first = world.post(kChat, chat("a"));
  ASSERT_EQ(first.status, 200);
  const std::string wanted = fmt::format(
      "model b cannot be loaded: -m {}: there is no such file: correct the path, or put the file "
      "there; is the disk mounted?",
      file);
  for (const bool stream : {false, true}) {
    const ProbeResponse answer = world.post(kChat, chat("b", stream));
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr(wanted));
  }
  EXPECT_EQ(world.post("/api/models/load/b", "").status, 503);
  EXPECT_EQ(world.post(kChat, chat("a")).header("x-fake-engine"), first.header("x-fake-engine"));
  EXPECT_EQ(count_of(world.log(), "b cannot be started: " + wanted), 1U) << world.log();
  dir.write("b.gguf", "GGUF");
  EXPECT_EQ(world.post("/api/models/load/b", "").status, 202);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
}

TEST(Preflight, ALoadedModelNeedsItsProgramNoMore) {
  const TempDir dir;
  const std::string program =
      dir.write("engine", fmt::format("#!/bin/sh\nexec {} \"$@\"\n", built_program("fake_engine")));
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  World world(models({model_of("a", program)}));
  ASSERT_EQ(world.post(kChat, chat("a")).status, 200);
  ASSERT_EQ(::unlink(program.c_str()), 0);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
}

TEST(Preflight, FindingsAreInTheLogAtTheStartAndAfterAReload) {
  World world(models({fake_model("a"), model_of("b", "/no/such/engine")},
                     "hooks: {on_startup: {preload: [b, a]}}"));
  const std::string finding =
      "models.b.cmd: program /no/such/engine does not exist: there is no folder /no/such -> "
      "correct "
      "the path, or install it there";
  EXPECT_TRUE(world.wait_for_log(finding)) << world.log();
  EXPECT_TRUE(world.wait_for_log("a is ready")) << world.log();
  EXPECT_EQ(count_of(world.log(), finding), 1U);
  world.write_config(models({fake_model("a", "> log")}));
  world.signal(SIGHUP);
  EXPECT_TRUE(world.wait_for_log("models.a.cmd: no shell reads \">\": it is passed to"))
      << world.log();
}

TEST(Preflight, CheckSaysTheSameAndHowBadItIs) {
  const TempDir dir;
  const std::string rouse = built_program("rouse");
  const std::string good = dir.write("good.yaml", models({fake_model("a")}));
  const std::string bad = dir.write(
      "bad.yaml", models({model_of("b", "/no/such/engine")}, "peers: {p: {proxy: \"http://h\"}}"));
  const std::string odd =
      dir.write("odd.yaml", models({fake_model("a", "--x ${env.ROUSE_NOT_SET}")}));
  const std::string relative =
      dir.write("relative.yaml", "models: {a: {cmd: ./engine $X, proxy: \"http://h\"}}\n");
  const auto check = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {rouse, "check"});
    return run_program(args);
  };

  EXPECT_EQ(check({good}).first, 0);
  EXPECT_THAT(check({good}).second, testing::EndsWith("\nnothing here would fail; 0 warnings\n"));
  EXPECT_EQ(check({good, "--strict"}).first, 0);

  const auto [status, text] = check({bad});
  EXPECT_EQ(status, 1);
  EXPECT_THAT(text, HasSubstr("1 model here, 0 at 1 peer, and what p lists\n"));
  EXPECT_THAT(text, testing::EndsWith(
                        "\nREFUSE  models.b.cmd  program /no/such/engine does not exist: there is "
                        "no folder /no/such\n                      -> correct the path, or install "
                        "it there\n\n1 thing would fail; 0 warnings\n"));
  EXPECT_THAT(
      check({bad, "--json"}).second,
      HasSubstr(R"({"severity":"refuse","title":"models.b.cmd","what":"program /no/such/)"));
  EXPECT_EQ(check({bad, "--no-files"}).first, 0);
  EXPECT_EQ(check({bad, "--no-findings"}).first, 0);
  EXPECT_THAT(check({bad, "--no-findings"}).second, Not(HasSubstr("would fail")));

  EXPECT_EQ(check({odd}).first, 2);
  EXPECT_THAT(check({odd}).second, HasSubstr("'ROUSE_NOT_SET' is not set"));
  EXPECT_EQ(check({odd, "--no-env"}).first, 0);

  EXPECT_EQ(check({relative, "--no-files"}).first, 0);
  EXPECT_EQ(check({relative, "--no-files", "--strict"}).first, 1);
}

}  // namespace
}  // namespace rouse::test
