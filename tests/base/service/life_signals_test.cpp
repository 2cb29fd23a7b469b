#include "base/service/life_signals.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <csignal>

namespace rouse {
namespace {

using namespace std::chrono_literals;

TEST(LifeSignals, OneThatIsOnItsWayAtTheEndBeginsNoOtherWait) {
  asio::io_context io{1};
  LifeSignals life(io.get_executor());
  int heard = 0;
  // The second is on its way when the first is heard: a closing terminal sends two.
  life.watch([&heard, &life](LifeSignals::Request, const std::string&) {
    ++heard;
    life.stop();
  });
  ASSERT_EQ(::raise(SIGTERM), 0);
  ASSERT_EQ(::raise(SIGINT), 0);
  io.run_for(5s);
  EXPECT_TRUE(io.stopped()) << "somebody still waits for a signal";
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace rouse
