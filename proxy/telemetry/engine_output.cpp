#include "proxy/telemetry/engine_output.hpp"

#include <cstdio>
#include <utility>

namespace rouse {

void EngineOutput::follow(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  std::erase_if(follows_,
                [this](const auto& each) { return dispatcher_.engine_log(each.first) == nullptr; });
  for (const auto& [id, model] : config_->models) {
    if (follows_.contains(id)) continue;
    follows_.emplace(
        id, dispatcher_.engine_log(id)->follow([this](std::string_view bytes) { wrote(bytes); }));
  }
}

void EngineOutput::wrote(std::string_view bytes) {
  logs_.upstream.append(bytes);
  const LogToStdout where = config_->log_to_stdout;
  if (where != LogToStdout::Upstream && where != LogToStdout::Both) return;
  logs_.mux.append(bytes);
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  std::fflush(stdout);
}

}  // namespace rouse
