// The optimum of somebody who knows the whole trace, by dynamic programming over who has got how
// far.

#include "tests/core/swap/trace.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>

namespace rouse::core::test {

namespace {

using Ms = std::int32_t;
constexpr std::size_t kChainsMax = 6;
constexpr std::size_t kLabelsMax = 3'000'000;

/// One way to get to a node. Of two, one is better when nothing of it is later: whatever follows
/// the other may follow it.
struct Label {
  Ms loaded = 0;                       // when the resident model became ready
  Ms idle = 0;                         // when the last that it serves ends
  std::array<Ms, kChainsMax> ended{};  // the last step of each chain
  int loads = 0;
  Ms longest = 0;  // wait on the way, for people

  [[nodiscard]] bool is_as_good_as(const Label& other) const {
    return loaded <= other.loaded && idle <= other.idle &&
           std::equal(ended.begin(), ended.end(), other.ended.begin(),
                      [](Ms a, Ms b) { return a <= b; });
  }
};

/// Who has got how far, and which model is resident.
struct Node {
  std::array<std::uint16_t, kChainsMax> done{};
  std::uint16_t resident = 0;
  bool operator==(const Node&) const = default;
};
struct NodeHash {
  std::size_t operator()(const Node& node) const {
    std::uint64_t h = node.resident;
    for (const std::uint16_t each : node.done) h = (h ^ each) * 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>(h ^ (h >> 29));
  }
};

Ms ms(Duration duration) {
  return static_cast<Ms>(duration.count());
}

class Search {
 public:
  Search(const Trace& trace, bool on_demand, Duration bound)
      : trace_(trace), on_demand_(on_demand), bound_(ms(bound)) {
    for (const TraceChain& chain : trace.chains) {
      std::vector<Ms> left(chain.steps.size() + 1, 0);
      for (std::size_t i = chain.steps.size(); i-- > 0;) {
        left[i] = left[i + 1] + ms(chain.steps[i].think + chain.steps[i].service);
      }
      left_.push_back(std::move(left));
      steps_ += chain.steps.size();
    }
  }

  TraceOutcome run() {
    // Every step forward is one request served; loads happen on the way to it.
    Layer layer;
    layer[Node{{}, none()}].push_back({});
    for (std::size_t served = 0; served < steps_; ++served) {
      Layer next;
      std::size_t labels = 0;
      for (auto& [node, found] : layer) {
        for (const Label& label : found) labels += expand(node, label, next);
        if (labels > kLabelsMax) return {.is_known = false};
      }
      layer = std::move(next);
    }
    TraceOutcome best{.total = Duration{bound_}, .is_known = false};
    for (const auto& [node, found] : layer) {
      for (const Label& label : found) {
        const Duration total{*std::max_element(label.ended.begin(), label.ended.end())};
        if (best.is_known &&
            std::pair(total, label.longest) >= std::pair(best.total, ms(best.longest)))
          continue;
        best = {.total = total,
                .swaps = label.loads,
                .longest = Duration{label.longest},
                .is_known = true};
      }
    }
    return best;
  }

 private:
  using Layer = std::unordered_map<Node, std::vector<Label>, NodeHash>;

  [[nodiscard]] std::uint16_t none() const {
    return static_cast<std::uint16_t>(trace_.models.size());
  }

  std::size_t expand(const Node& node, const Label& label, Layer& next) const {
    std::size_t added = 0;
    for (std::size_t i = 0; i < trace_.chains.size(); ++i) {
      const auto& steps = trace_.chains[i].steps;
      if (node.done[i] == steps.size()) continue;
      const TraceStep& step = steps[node.done[i]];
      Ms asked = label.ended[i];
      bool may = true;
      for (const auto& [chain, count] : step.join) {
        may = may && node.done[chain] >= count;
        asked = std::max(asked, label.ended[chain]);
      }
      if (!may) continue;
      asked += ms(step.think);
      Node to = node;
      Label way = label;
      if (node.resident != step.model) {
        const TraceModel& model = trace_.models[step.model];
        const Ms stop = node.resident == none() ? 0 : ms(trace_.models[node.resident].stop);
        const Ms from = on_demand_ ? std::max(label.idle, asked) : label.idle;
        way.loaded = way.idle = from + stop + ms(model.load);
        to.resident = static_cast<std::uint16_t>(step.model);
        ++way.loads;
      }
      const Ms end = std::max(asked, way.loaded) + ms(step.service);
      way.longest = std::max(way.longest, end - ms(step.service) - asked);
      way.ended[i] = end;
      way.idle = std::max(way.idle, end);
      ++to.done[i];
      if (is_too_late(to, way)) continue;
      added += keep(next[to], way);
    }
    return added;
  }

  [[nodiscard]] bool is_too_late(const Node& node, const Label& label) const {
    for (std::size_t i = 0; i < trace_.chains.size(); ++i) {
      if (label.ended[i] + left_[i][node.done[i]] > bound_) return true;
    }
    return false;
  }

  static std::size_t keep(std::vector<Label>& labels, const Label& label) {
    for (const Label& other : labels) {
      if (other.is_as_good_as(label)) return 0;
    }
    std::erase_if(labels, [&](const Label& other) { return label.is_as_good_as(other); });
    labels.push_back(label);
    return 1;
  }

  const Trace& trace_;
  const bool on_demand_;
  const Ms bound_;
  std::vector<std::vector<Ms>> left_;  // of each chain from each step on, at the least
  std::size_t steps_ = 0;
};

}  // namespace

TraceOutcome offline_optimum(const Trace& trace, bool on_demand, Duration bound) {
  return Search(trace, on_demand, bound).run();
}

}  // namespace rouse::core::test
