#pragma once

#include "proxy/admission/dispatcher.hpp"
#include "proxy/config/config.hpp"
#include "proxy/logs/log_ring.hpp"
#include "proxy/logs/logs.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace rouse {

/// Passes on what engines write: to the common ring, and to our own stdout if so configured.
/// @p dispatcher and @p logs outlive it.
class EngineOutput {
 public:
  EngineOutput(Dispatcher& dispatcher, Logs& logs) : dispatcher_(dispatcher), logs_(logs) {}

  /// The models of @p config from now on, and where it wants their output.
  void follow(std::shared_ptr<const Config> config);

 private:
  void wrote(std::string_view bytes);

  Dispatcher& dispatcher_;
  Logs& logs_;
  std::shared_ptr<const Config> config_;
  std::map<std::string, LogRing::Follow> follows_;  // by model
};

}  // namespace rouse
