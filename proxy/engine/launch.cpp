#include "proxy/engine/launch.hpp"

namespace rouse {

Launch launch_of(const ModelConfig& model) {
  Launch launch;
  launch.model = model.id;
  launch.argv = model.argv;
  launch.env = model.env;
  launch.cmd_stop = model.cmd_stop;
  launch.endpoint = model.endpoint;
  launch.api_key = model.api_key;
  launch.check_endpoint = model.check_endpoint;
  launch.health_timeout = model.health_check_timeout;
  launch.unload_timeout = model.unload_timeout;
  return launch;
}

}  // namespace rouse
