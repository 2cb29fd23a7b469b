#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <set>
#include <string>
#include <unordered_map>

namespace rouse {

/// Learns what Nodes do not tell: which entries of the top lend an anchor to another one, and where
/// the document begins.
class AnchorFinder final : public YAML::EventHandler {
 public:
  /// The places of the keys of these entries in the text.
  [[nodiscard]] const std::set<int>& lenders() const { return lenders_; }
  [[nodiscard]] const YAML::Mark& start() const { return start_; }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { enter(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { --depth_; }

 private:
  void enter(const YAML::Mark& mark, YAML::anchor_t anchor);

  YAML::Mark start_ = YAML::Mark::null_mark();
  int depth_ = 0;
  bool is_key_ = false;
  int entry_ = -1;
  std::unordered_map<YAML::anchor_t, int> owners_;  // anchor -> the place of its entry's key
  std::set<int> lenders_;
};

}  // namespace rouse
