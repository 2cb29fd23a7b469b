#include "proxy/request/retry.hpp"

namespace rouse {

namespace {

constexpr int kEnteredMax = 4;

}  // namespace

NextStep next_step(const Failure& failed, const AttemptFacts& facts) {
  if (!facts.to_peer) {
    return failed.try_again && facts.entered < kEnteredMax ? NextStep::Reenter : NextStep::GiveUp;
  }
  if (failed.try_again && facts.is_admitted && !facts.only_if_ready) return NextStep::Rejoin;
  return failed.elsewhere && facts.has_next ? NextStep::NextDestination : NextStep::GiveUp;
}

}  // namespace rouse
