#pragma once

#include "base/http_pool.hpp"
#include "base/stream_deadlines.hpp"
#include "proxy/config/config.hpp"
#include "proxy/dispatcher.hpp"
#include "proxy/logs.hpp"

#include <memory>
#include <string>

namespace rouse {

/// What every session works with. Owned by the App, which joins all sessions before it goes.
struct Proxy {
  std::shared_ptr<const Config> config;
  Dispatcher& dispatcher;
  HttpPool& pool;
  StreamDeadlines& deadlines;
  TaskGroup& sessions;
  Logs& logs;
};

}  // namespace rouse
