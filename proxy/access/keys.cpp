#include "proxy/access/keys.hpp"

#include "base/service/log.hpp"
#include "proxy/access/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

constexpr std::int64_t kKeyRetryAfterMax = 30;  // seconds: longer ones make clients give up

KeyRefusal unknown_key() {
  return {401, "unauthorized", "unauthorized: invalid or missing API key", 0, std::nullopt};
}

KeyRefusal expired_key(const KeyConfig& key) {
  return {403, "key_expired", fmt::format("the key \"{}\" has expired", key.name), 0, std::nullopt};
}

KeyRefusal scope_missing(const KeyConfig& key, Scope wanted) {
  std::string has;
  for (const Scope each : key.scopes) {
    has += (has.empty() ? "" : ", ");
    has += name_of(each);
  }
  return {
      403, "scope_missing",
      fmt::format("this wants the scope {}; the key \"{}\" has {}", name_of(wanted), key.name, has),
      0, std::nullopt};
}

KeyRefusal over_limit(const KeyConfig& key, const core::OverLimit& over) {
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(over.retry_after).count();
  KeyRefusal refusal;
  refusal.status = 429;
  refusal.limit = over.limit;
  refusal.retry_after_s = static_cast<int>(std::clamp<std::int64_t>(seconds, 1, kKeyRetryAfterMax));
  switch (over.limit) {
    case core::KeyLimit::InFlight:
      refusal.code = "key_in_flight_limit";
      refusal.message = fmt::format("the key \"{}\" has {} requests running, its maxInFlight",
                                    key.name, key.limits.in_flight);
      break;
    case core::KeyLimit::Requests:
      refusal.code = "key_requests_limit";
      refusal.message =
          fmt::format("the key \"{}\" may begin {} requests per minute; the next in {} s", key.name,
                      key.limits.requests_per_minute, std::max<std::int64_t>(seconds, 1));
      break;
    case core::KeyLimit::Tokens:
      refusal.code = "key_tokens_limit";
      refusal.message =
          fmt::format("the key \"{}\" may use {} tokens per minute; the next request in {} s",
                      key.name, key.limits.tokens_per_minute, std::max<std::int64_t>(seconds, 1));
      break;
  }
  return refusal;
}

KeyRefusal over_global_limit(int limit) {
  return {429, "concurrency_limit",
          fmt::format("Too many requests: {} run at once, which is globalConcurrencyLimit", limit),
          1, core::KeyLimit::InFlight};
}

bool fits(const KeyConfig& key, std::string_view name) {
  return std::any_of(key.models.begin(), key.models.end(), [&](const std::string& glob) {
    return AliasPattern{glob, {}}.matches(name);
  });
}

std::set<std::string, std::less<>> exact_names(const Config& config) {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, model] : config.models) names.insert(name);
  for (const auto& [name, model] : config.peer_models) names.insert(name);
  for (const auto& [name, model] : config.aliases) names.insert(name);
  for (const auto& [name, selector] : config.selectors) names.insert(name);
  for (const auto& [profile, entry] : config.profiles) {
    for (const auto& [name, target] : entry.pins) names.insert(name);
  }
  for (const auto& [peer, entry] : config.peers) {
    for (const std::string& model : entry.models) {
      names.insert(model);
      names.insert(peer + "/" + model);
    }
  }
  return names;
}

}  // namespace

Failure failure_of(const KeyRefusal& refusal) {
  Failure made = failure(refusal.status, refusal.message, refusal.code);
  made.retry_after_s = refusal.retry_after_s;
  made.passing = refusal.status == 429;
  return made;
}

Keys::Keys(std::shared_ptr<const Config> config, WallClock wall_clock)
    : wall_clock_(std::move(wall_clock)) {
  adopt(std::move(config));
}

void Keys::adopt(std::shared_ptr<const Config> config) {
  std::map<std::string, std::shared_ptr<KeyAccount>, std::less<>> fresh;
  for (const KeyConfig& key : config->keys) {
    const auto before = accounts_.find(key.name);
    if (before == accounts_.end()) {
      fresh[key.name] = std::make_shared<KeyAccount>(KeyAccount{key, core::KeyBudget(key.limits)});
      continue;
    }
    before->second->config = key;
    before->second->budget.set_limits(key.limits);
    fresh[key.name] = before->second;
  }
  accounts_ = std::move(fresh);
  names_ = exact_names(*config);
  config_ = std::move(config);
}

std::variant<Caller, KeyRefusal> Keys::authorise(const Fields& fields, Scope scope) const {
  if (config_->keys.empty()) return Caller{};
  std::optional<KeyRefusal> why;
  for (const Fields::Field& field : fields) {
    const KeyConfig* const key = find_key(config_->keys, credential_in(field));
    if (key == nullptr) continue;
    const bool expired = key->has_expired(wall_clock_());
    if (!expired && key->has(scope)) return Caller{key->name, accounts_.at(key->name)};
    if (!why) why = expired ? expired_key(*key) : scope_missing(*key, scope);
  }
  return why ? *why : unknown_key();
}

bool Keys::may(const Caller& caller, Scope scope) const {
  return !caller.account || caller.account->config.has(scope);
}

std::string Keys::configured_name(std::string_view asked_for) const {
  if (names_.contains(asked_for)) return std::string(asked_for);
  for (const AliasPattern& alias : config_->alias_patterns) {
    if (alias.matches(asked_for)) return alias.pattern;
  }
  return {};
}

bool Keys::may_use(const Caller& caller, std::string_view model_id,
                   std::string_view asked_for) const {
  if (!caller.account) return true;
  const KeyConfig& key = caller.account->config;
  if (!model_id.empty() && fits(key, model_id)) return true;
  const std::string name = configured_name(asked_for);
  return !name.empty() && fits(key, name);
}

bool Keys::may_use_all(const Caller& caller) const {
  if (!caller.account) return true;
  const std::vector<std::string>& globs = caller.account->config.models;
  return std::any_of(globs.begin(), globs.end(), [](const std::string& glob) {
    return !glob.empty() && glob.find_first_not_of('*') == std::string::npos;
  });
}

bool Keys::may_see(const Caller& caller, const std::string& model) const {
  if (may_use_all(caller) || may_use(caller, model, model)) return true;
  if (const auto found = config_->models.find(model); found != config_->models.end()) {
    const std::vector<std::string>& aliases = found->second.aliases;
    return std::any_of(aliases.begin(), aliases.end(),
                       [&](const std::string& alias) { return may_use(caller, {}, alias); });
  }
  const std::size_t slash = model.find('/');
  const bool is_of_peer =
      slash != std::string::npos && config_->peers.contains(model.substr(0, slash));
  return is_of_peer && may_use(caller, {}, model.substr(slash + 1));
}

std::vector<std::string> Keys::usable_names(const Caller& caller) const {
  std::vector<std::string> names;
  for (const std::string& name : names_) {
    if (may_use(caller, {}, name)) names.push_back(name);
  }
  return names;
}

KeyRefusal Keys::all_models_wanted(const Caller& caller) {
  return {403, "model_forbidden",
          fmt::format("this is about all models, and the key \"{}\" is for some", caller.name), 0,
          std::nullopt};
}

KeyRefusal Keys::model_forbidden(const Caller& caller, std::string_view asked_for) {
  return {403, "model_forbidden",
          fmt::format("the key \"{}\" may not use the model \"{}\"", caller.name,
                      for_log(asked_for, 100)),
          0, std::nullopt};
}

std::variant<KeyTicket, KeyRefusal> Keys::begin(const Caller& caller, core::Instant now,
                                                bool is_work) {
  const int limit = config_->concurrency_limit;
  if (is_work && limit > 0 && *running_ >= limit) return over_global_limit(limit);
  if (caller.account) {
    const auto over = caller.account->budget.begin(now);
    if (over) return over_limit(caller.account->config, *over);
  }
  return KeyTicket(caller.account, is_work ? running_ : nullptr);
}

void Keys::count_tokens(const Caller& caller, std::int64_t tokens, core::Instant now) {
  if (caller.account) caller.account->budget.count_tokens(tokens, now);
}

}  // namespace rouse
