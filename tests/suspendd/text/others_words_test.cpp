// What others say, wherever it becomes a part of what the daemon says.
#include "suspendd/text/others_words.hpp"

#include "base/text/json_writer.hpp"
#include "suspendd/report/report.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/suspendd/runner_fixture.hpp"

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kHostile =
    "\x1b]0;owned\x07\n12:00 all is well \xc2\x9b"
    "31m" +
    std::string(3'000'000, 'A');

auto is_harmless() {
  return AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n")), Not(HasSubstr("\xc2\x9b")),
               HasSubstr("all is well"), testing::SizeIs(testing::Le(1000)));
}

TEST(OthersWords, AreOneShortLine) {
  EXPECT_EQ(others_words("2 running (qwen)"), "2 running (qwen)");
  EXPECT_THAT(others_words(kHostile), is_harmless());
}

class OthersWordsTest : public RunnerFixture {};

TEST_F(OthersWordsTest, OfAProxyThatRefuses) {
  proxy_.answers("/v1/power/release",
                 {409, "{\"code\":\"no\",\"message\":" + json_string(kHostile) + "}"});
  const auto answer = run(power_.release("a-lease"));
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->why, is_harmless());
}

TEST_F(OthersWordsTest, ReachAHookAsOneShortLine) {
  const std::string note = dir_ / "note";
  config_->hooks.on_blocked.argv = {"sh", "-c", "printf %s \"$ROUSE_REASON\" > " + note};
  runner_.perform(policy::RunHook{op(), policy::Hook::OnBlocked, 10s, 0s, {}, kHostile});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok) << done.detail.substr(0, 200);
  EXPECT_THAT(test::read_file(note), is_harmless());
}

TEST_F(OthersWordsTest, OfAHostileServerAreNoMoreThanAReason) {
  auto finding = std::make_shared<Finding>();
  finding->verdict = Verdict::Active;
  finding->reason = kHostile;
  std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks;
  checks.emplace_back(CheckConfig{}, std::make_unique<SaidCheck>(finding));
  checks_.start(std::move(checks));
  ASSERT_TRUE(run_until([this] { return !found_.empty(); }));
  EXPECT_THAT(checks_.posts().at(0).finding.reason, is_harmless());
}

TEST(ReportText, SteersNoTerminal) {
  Report report;
  report.config = std::make_shared<const Config>();
  report.view.reason = report.view.next =
      "a\x1b[2J\nb \xc2\x9b"
      "1m";
  report.view.block = policy::Block{policy::BlockCause::HookFailed, "c\x1b[2J\nd", {}};
  report.inhibitors_error = "e\x1b[2J\nf";
  for (const std::string& text : {explain_text(report), status_text(report)}) {
    EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xc2\x9b"))));
    EXPECT_THAT(text, HasSubstr("a?[2J b ?1m\n"));
  }
  EXPECT_THAT(explain_text(report), AllOf(HasSubstr("c?[2J d\n"), HasSubstr("e?[2J f\n")));
}

}  // namespace
}  // namespace rouse::suspendd
