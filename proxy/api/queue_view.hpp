#pragma once

#include "base/text/json_writer.hpp"
#include "proxy/proxy.hpp"
#include "proxy/wire/model_list.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

[[nodiscard]] std::string_view state_name(core::EngineState state);

// What the listing endpoints say, gathered from the configuration and the scheduler's view.

/// All that has a name to ask for; what is not for @p caller is hidden.
[[nodiscard]] std::vector<wire::ModelEntry> listed_models(Proxy& proxy, const Caller& caller);
/// What @p name stands for, whichever of its names that is; nullopt: nothing for @p caller.
[[nodiscard]] std::optional<wire::ModelEntry> find_listed(Proxy& proxy, const Caller& caller,
                                                          const std::string& name);

/// GET /v1/models: what @p caller may use.
[[nodiscard]] std::string models_text(Proxy& proxy, const Caller& caller);
/// GET /v1/models/NAME; empty: there is none for @p caller.
[[nodiscard]] std::string model_text(Proxy& proxy, const Caller& caller, const std::string& name);
/// GET /running: those models that @p caller may know of, as everywhere below.
[[nodiscard]] std::string running_text(Proxy& proxy, const Caller& caller);
[[nodiscard]] std::string profiles_text(Proxy& proxy, const Caller& caller);  ///< GET /api/profiles
/// The member "active" of an object that has been begun.
void write_active_profile(JsonWriter& json, const Proxy& proxy);
[[nodiscard]] std::string metrics_text(Proxy& proxy, const Caller& caller);  ///< GET /metrics
[[nodiscard]] std::string version_text();                                    ///< GET /api/version

}  // namespace rouse
