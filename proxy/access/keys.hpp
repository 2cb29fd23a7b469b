#pragma once

#include "base/http/message.hpp"
#include "core/key_budget.hpp"
#include "core/time.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/refusal.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse {

/// One key as it is now, and what its holder has used. Shared with those who came with it.
struct KeyAccount {
  KeyConfig config;
  core::KeyBudget budget;
};

/// Who sent a request. It stays good after a reload, even one that takes the key away.
struct Caller {
  std::string name;  ///< of the key, for logs and metrics; "" when no keys are configured
  std::shared_ptr<KeyAccount> account;  ///< null when no keys are configured: all is allowed
};

/// Why a request is refused, in words that name the key and never show it.
struct KeyRefusal {
  int status = 401;
  std::string code;
  std::string message;
  int retry_after_s = 0;                ///< of a 429: 1 to 30
  std::optional<core::KeyLimit> limit;  ///< of a 429
};

/// For the answer. A 401 wants a WWW-Authenticate field besides.
[[nodiscard]] Failure failure_of(const KeyRefusal& refusal);

/// Counts a request as in flight until it is destroyed; may outlive the Keys.
class KeyTicket {
 public:
  KeyTicket() = default;
  /// @p running: of all keys together; null where it is no work.
  KeyTicket(std::shared_ptr<KeyAccount> account, std::shared_ptr<int> running)
      : account_(std::move(account)), running_(std::move(running)) {
    if (running_) ++*running_;
  }
  KeyTicket(KeyTicket&& other) noexcept = default;
  KeyTicket& operator=(KeyTicket&& other) noexcept {
    account_.swap(other.account_);
    running_.swap(other.running_);
    return *this;
  }
  ~KeyTicket() {
    if (account_) account_->budget.end();
    if (running_) --*running_;
  }

 private:
  std::shared_ptr<KeyAccount> account_;
  std::shared_ptr<int> running_;
};

/// Decides who may do what, and how much of it. Single thread.
class Keys {
 public:
  using WallClock = std::function<std::chrono::system_clock::time_point()>;

  /// @p wall_clock: for keys that expire.
  explicit Keys(std::shared_ptr<const Config> config,
                WallClock wall_clock = std::chrono::system_clock::now);

  /// Takes a new configuration. A key that has the name of an earlier one keeps its counters.
  void adopt(std::shared_ptr<const Config> config);

  /// Each credential (Bearer, x-api-key, Basic password; every occurrence) is judged on its own:
  /// the first that is a key with @p scope, and has not expired, wins. Else 401 when none is a key,
  /// 403 when one is. Routes that need no key are not asked about.
  [[nodiscard]] std::variant<Caller, KeyRefusal> authorise(const Fields& fields, Scope scope) const;

  /// Whether the key has that scope, too: wake, for one, of somebody who came to infer.
  [[nodiscard]] bool may(const Caller& caller, Scope scope) const;

  /// Whether one of the key's globs fits the model's id, or the name asked for. A name that is
  /// known only through an alias with a * counts as that alias: what the * stands for is up to the
  /// client.
  [[nodiscard]] bool may_use(const Caller& caller, std::string_view model_id,
                             std::string_view asked_for) const;
  /// Whether no model is kept from it, so that it may know of all.
  [[nodiscard]] bool may_use_all(const Caller& caller) const;
  /// Whether it may know of @p model, an id or PEER/MODEL: it may use it by one of its names.
  [[nodiscard]] bool may_see(const Caller& caller, const std::string& model) const;
  /// The same as a question.
  [[nodiscard]] std::function<bool(const std::string& model)> seen_by(Caller caller) const {
    return [this, caller = std::move(caller)](const std::string& model) {
      return may_see(caller, model);
    };
  }
  /// The exact names that it may ask for.
  [[nodiscard]] std::vector<std::string> usable_names(const Caller& caller) const;
  /// What to say where all models are meant, and it may not use all.
  [[nodiscard]] static KeyRefusal all_models_wanted(const Caller& caller);
  /// The same as a question about ids; @p caller outlives it.
  [[nodiscard]] std::function<bool(const std::string& id)> usable_by(const Caller& caller) const {
    return [this, &caller](const std::string& id) { return may_use(caller, id, id); };
  }
  /// What to say when it may not.
  [[nodiscard]] static KeyRefusal model_forbidden(const Caller& caller, std::string_view asked_for);

  /// Counts a request that wants an engine; keep the ticket until it has ended. @p is_work: no
  /// probe or page, so that it counts for globalConcurrencyLimit.
  [[nodiscard]] std::variant<KeyTicket, KeyRefusal> begin(const Caller& caller, core::Instant now,
                                                          bool is_work = true);
  /// After the answer: what the engine says it cost. A stream that runs is never cut.
  void count_tokens(const Caller& caller, std::int64_t tokens, core::Instant now);

 private:
  [[nodiscard]] std::string configured_name(std::string_view asked_for) const;

  std::shared_ptr<const Config> config_;
  WallClock wall_clock_;
  std::map<std::string, std::shared_ptr<KeyAccount>, std::less<>> accounts_;
  std::shared_ptr<int> running_ = std::make_shared<int>(0);
  std::set<std::string, std::less<>> names_;  // all that can be asked for, but patterns
};

}  // namespace rouse
