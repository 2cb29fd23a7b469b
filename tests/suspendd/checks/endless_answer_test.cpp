// A server that never stops talking costs a check no more than its bound.
#include "tests/suspendd/checks/check_fixture.hpp"

namespace rouse::suspendd {
namespace {

using testing::HasSubstr;

class EndlessAnswerTest : public CheckFixture {};

TEST_F(EndlessAnswerTest, OfEventsIsGivenUp) {
  std::string body;
  while (body.size() < 17 * 1024 * 1024)
    body += "data: inflight " + std::string(60'000, 'x') + "\n";
  LlamaSwapCheck settings;
  settings.url = serve([&](const RequestHead& request) {
    if (request.path() == "/running") return Answer{200, R"({"running":[]})", false};
    return Answer{200, body, true};
  });
  EXPECT_THAT(look(make(settings)), IsUnknown(HasSubstr("answered more than 16777216 bytes")));
}

}  // namespace
}  // namespace rouse::suspendd
