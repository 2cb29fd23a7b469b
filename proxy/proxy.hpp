#pragma once

#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "core/held_bytes.hpp"
#include "proxy/access/host_rule.hpp"
#include "proxy/access/keys.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/capabilities/known_capabilities.hpp"
#include "proxy/config/config.hpp"
#include "proxy/logs/logs.hpp"
#include "proxy/peers/peers.hpp"
#include "proxy/power/power.hpp"
#include "proxy/routing/names.hpp"
#include "proxy/telemetry/machine/machine.hpp"
#include "proxy/telemetry/recorder.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rouse {

/// What came of a reload.
struct Reloaded {
  bool ok = false;
  std::vector<std::string> problems;  ///< as `rouse check` prints them; warnings, too
  std::vector<std::string> replaced;  ///< models whose engines give way to their new configuration
};

/// What every session works with. Owned by the App, which joins all sessions before it goes.
struct Proxy {
  std::shared_ptr<const Config> config;  ///< replaced by a reload: copy it to hold on to one
  Dispatcher& dispatcher;
  KnownCapabilities& capabilities;
  Keys& keys;
  Names& names;
  Peers& peers;
  Recorder& recorder;
  Machine& machine;
  Power& power;
  HttpPool& pool;
  StreamDeadlines& deadlines;
  TaskGroup& sessions;
  Logs& logs;
  std::function<Reloaded()> reload;
  OwnNames own_names = {};  ///< of this machine, as they were at the start
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  core::HeldBytes held{config->limits.held_max};  ///< of requests that wait
};

}  // namespace rouse
