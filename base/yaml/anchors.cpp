#include "base/yaml/anchors.hpp"

namespace rouse {

void AnchorFinder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  enter(mark, YAML::NullAnchor);
  const auto owner = owners_.find(anchor);
  if (owner != owners_.end() && owner->second != entry_) lenders_.insert(owner->second);
}

void AnchorFinder::OnScalar(const YAML::Mark& mark, const std::string& /*tag*/,
                            YAML::anchor_t anchor, const std::string& /*value*/) {
  enter(mark, anchor);
}

void AnchorFinder::OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                                   YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  enter(mark, anchor);
  ++depth_;
}

void AnchorFinder::OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/,
                              YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  enter(mark, anchor);
  ++depth_;
}

void AnchorFinder::enter(const YAML::Mark& mark, YAML::anchor_t anchor) {
  // Keys and values of the top come in turn.
  if (depth_ == 1) is_key_ = !is_key_;
  if (depth_ == 1 && is_key_) entry_ = mark.pos;
  if (anchor != YAML::NullAnchor) owners_[anchor] = entry_;
}

}  // namespace rouse
