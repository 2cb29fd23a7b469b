#include "proxy/routing/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace rouse {

namespace {

constexpr std::size_t kNamesListed = 12;

core::Selector::Strategy strategy_of(SelectorConfig::Strategy strategy) {
  switch (strategy) {
    case SelectorConfig::Strategy::Pin:
      return core::Selector::Strategy::Pin;
    case SelectorConfig::Strategy::Warm:
      return core::Selector::Strategy::Warm;
    case SelectorConfig::Strategy::Spillover:
      break;
  }
  return core::Selector::Strategy::Spillover;
}

}  // namespace

core::TargetState target_state(core::EngineState state) {
  switch (state) {
    case core::EngineState::Starting:
      return core::TargetState::Starting;
    case core::EngineState::Ready:
      return core::TargetState::Ready;
    case core::EngineState::Stopping:
      return core::TargetState::Stopping;
    case core::EngineState::Stopped:
    case core::EngineState::Failed:
      break;
  }
  return core::TargetState::Stopped;
}

Names::Lease::Lease(std::shared_ptr<core::Selector> selector, std::size_t target)
    : selector_(std::move(selector)), target_(target) {
  selector_->began(target_);
}

Names::Lease& Names::Lease::operator=(Lease&& other) noexcept {
  std::swap(selector_, other.selector_);
  std::swap(target_, other.target_);
  return *this;
}

Names::Lease::~Lease() {
  if (selector_) selector_->ended(target_);
}

void Names::adopt(std::shared_ptr<const Config> config) {
  std::map<std::string, std::shared_ptr<core::Selector>, std::less<>> fresh;
  for (const auto& [name, selector] : config->selectors) {
    const auto before = config_ ? config_->selectors.find(name) : config->selectors.end();
    const bool is_same = config_ && before != config_->selectors.end() &&
                         before->second.targets == selector.targets &&
                         before->second.strategy == selector.strategy &&
                         before->second.spillover == selector.spillover;
    // The counts of an unchanged one are of requests that go on.
    fresh[name] =
        is_same ? selectors_[name]
                : std::make_shared<core::Selector>(strategy_of(selector.strategy),
                                                   selector.targets.size(), selector.spillover);
  }
  // Who has switched meanwhile is not switched back by a change of something else.
  const bool is_told = !config_ || config_->startup_profile != config->startup_profile;
  selectors_ = std::move(fresh);
  config_ = std::move(config);
  const bool has_gone = !active_.empty() && !config_->profiles.contains(active_);
  if (is_told || has_gone) active_ = config_->startup_profile;
}

bool Names::is_pinned(const std::string& name) const {
  return !active_.empty() && config_->profiles.at(active_).pins.contains(name);
}

std::string Names::switched_off_text(const std::string& name) const {
  if (!is_pinned(name) || !pinned(name).empty()) return {};
  return fmt::format("\"{:.100}\" is switched off by the active profile, {}", name, active_);
}

std::string Names::pinned(std::string_view name) const {
  std::string text(name);
  if (active_.empty()) return text;
  const auto& pins = config_->profiles.at(active_).pins;
  const auto pin = pins.find(text);
  return pin == pins.end() ? text : pin->second;
}

Names::Resolved Names::resolve(std::string_view asked_for, const StateOf& state_of) {
  Resolved found;
  found.name = pinned(asked_for);
  if (const auto it = config_->selectors.find(found.name); it != config_->selectors.end()) {
    found.selector = it->first;
    std::vector<core::TargetState> states;
    for (const std::string& target : it->second.targets) {
      const ModelConfig* model = config_->find_model(target);
      states.push_back(model == nullptr ? core::TargetState::Remote : state_of(model->id));
    }
    const std::shared_ptr<core::Selector>& selector = selectors_.at(it->first);
    const std::optional<std::size_t> chosen = selector->choose(states);
    if (!chosen) {
      found.problem = fmt::format("selector \"{}\" has no available spillover targets", it->first);
      return found;
    }
    found.name = it->second.targets[*chosen];
    found.lease = Lease(selector, *chosen);
  }
  found.model = config_->find_model(found.name);
  return found;
}

Names::Resolved Names::peek(std::string_view asked_for, const StateOf& state_of) const {
  Names copy(config_);
  copy.active_ = active_;
  for (const auto& [name, selector] : selectors_) *copy.selectors_.at(name) = *selector;
  Resolved found = copy.resolve(asked_for, state_of);
  found.lease = {};
  return found;
}

bool Names::activate(const std::string& profile) {
  if (!profile.empty() && !config_->profiles.contains(profile)) return false;
  active_ = profile;
  return true;
}

std::string unknown_model_text(const Config& config, std::string_view name,
                               const std::function<bool(const std::string& id)>& may_know) {
  std::vector<std::string_view> names;
  for (const auto& [id, model] : config.models) {
    if (!model.unlisted && (!may_know || may_know(id))) names.push_back(id);
  }
  const std::size_t shown = std::min(names.size(), kNamesListed);
  std::string text = fmt::format("no model is called \"{}\"", name.substr(0, 100));
  if (shown > 0) {
    text += fmt::format(
        "; there are: {}",
        fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  }
  return text;
}

}  // namespace rouse
