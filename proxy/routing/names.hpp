#pragma once

#include "core/selector.hpp"
#include "core/swap/scheduler.hpp"
#include "proxy/config/config.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rouse {

/// What a selector sees of an engine.
[[nodiscard]] core::TargetState target_state(core::EngineState state);

/// Turns the name that a client asks for into a model: the active profile's pin, then a selector,
/// then id, alias or pattern. Holds the active profile and what the selectors have counted.
///
/// Single thread; outlives the leases that it gives.
class Names {
 public:
  explicit Names(std::shared_ptr<const Config> config) { adopt(std::move(config)); }

  /// Takes a new configuration. Its hooks.on_startup.profile becomes active when it is another than
  /// before, or when there is no profile any more that was active.
  void adopt(std::shared_ptr<const Config> config);

  /// Counts one request of a selector until it is destroyed.
  class Lease {
   public:
    Lease() = default;
    Lease(std::shared_ptr<core::Selector> selector, std::size_t target);
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();

   private:
    std::shared_ptr<core::Selector> selector_;
    std::size_t target_ = 0;
  };

  struct Resolved {
    const ModelConfig* model = nullptr;  ///< null: unknown, or there is a problem
    std::string name;                    ///< after profile and selector: what filters look at
    std::string selector;                ///< its name, if one chose
    std::string problem;                 ///< not empty: it cannot be served at the moment
    Lease lease;
  };
  using StateOf = std::function<core::TargetState(const std::string& model)>;
  [[nodiscard]] Resolved resolve(std::string_view asked_for, const StateOf& state_of);
  /// What resolve() would say now; nothing is counted, and no selector moves on.
  [[nodiscard]] Resolved peek(std::string_view asked_for, const StateOf& state_of) const;

  /// What the active profile makes of @p name; the same if it has no pin for it.
  [[nodiscard]] std::string pinned(std::string_view name) const;

  /// Whether the active profile says something of @p name, if only that it is disabled.
  [[nodiscard]] bool is_pinned(const std::string& name) const;

  /// That the active profile has switched @p name off; empty: it has not.
  [[nodiscard]] std::string switched_off_text(const std::string& name) const;

  /// @p profile empty: none. False: there is no such profile.
  [[nodiscard]] bool activate(const std::string& profile);
  /// Empty: none.
  [[nodiscard]] const std::string& active_profile() const { return active_; }

 private:
  std::shared_ptr<const Config> config_;
  std::string active_;
  std::map<std::string, std::shared_ptr<core::Selector>, std::less<>> selectors_;
};

/// "no model is called "qwen"; there are: a, b, c and 2 more". @p may_know: which ids are told;
/// null: all.
[[nodiscard]] std::string unknown_model_text(
    const Config& config, std::string_view name,
    const std::function<bool(const std::string& id)>& may_know = nullptr);

}  // namespace rouse
