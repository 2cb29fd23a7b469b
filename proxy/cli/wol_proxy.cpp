#include "proxy/cli/wol_proxy.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace rouse {

void add_wol_proxy_options(CLI::App& command, WolProxyOptions& options) {
  const auto add = [&command](const char* name, std::string& value, const char* type) {
    command.add_option(name, value, "of wol-proxy")->type_name(type)->group("");
  };
  add("--mac", options.mac, "MAC");
  add("--upstream", options.upstream, "URL");
  add("--timeout", options.timeout, "SECONDS");
  add("--log", options.log, "LEVEL");
}

std::string config_of(const WolProxyOptions& options) {
  std::string out = fmt::format(
      "peers:\n"
      "  upstream:\n"
      "    proxy: {}\n"
      "    wake:\n"
      "      mac: \"{}\"\n",
      options.upstream.empty() ? "http://192.168.1.20:8080" : options.upstream,
      options.mac.empty() ? "3c:7c:3f:12:34:56" : options.mac);
  if (!options.timeout.empty()) out += fmt::format("      timeout: {}s\n", options.timeout);
  if (!options.log.empty()) out += fmt::format("logLevel: {}\n", options.log);
  return out;
}

}  // namespace rouse
