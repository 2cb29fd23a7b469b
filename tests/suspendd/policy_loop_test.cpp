#include "suspendd/policy_loop.hpp"

#include "tests/suspendd/generated_tree.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <chrono>

namespace rouse::suspendd {
namespace {

namespace policy = core::suspend;
using namespace std::chrono_literals;

policy::Settings quick() {
  policy::Settings settings;
  settings.min_uptime = 0ms;
  settings.idle_time = 300ms;
  settings.proxy = policy::ProxyUse::None;
  return settings;
}

TEST(PolicyLoop, ADeadlineThatIsWantedAgainIsMet) {
  const test::GeneratedTree tree;
  asio::io_context io(1);
  const Root root = tree.root();
  int slept = 0;
  PolicyLoop loop(io.get_executor(), root, quick(), {}, "boot", [&](const policy::Action& action) {
    if (std::holds_alternative<policy::RunPreflight>(action)) ++slept;
  });
  loop.tell(policy::Started{});
  // With nothing to wait for in between.
  policy::Settings never = quick();
  never.idle_time = core::Duration::max();
  loop.tell(policy::Reconfigured{never});
  loop.tell(policy::Reconfigured{quick()});
  const auto latest = std::chrono::steady_clock::now() + 5s;
  while (slept == 0 && std::chrono::steady_clock::now() < latest) io.run_one_for(10ms);
  EXPECT_EQ(slept, 1);
  loop.stop();
}

}  // namespace
}  // namespace rouse::suspendd
