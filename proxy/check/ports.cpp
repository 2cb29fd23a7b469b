#include "proxy/check/ports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

namespace rouse {

namespace {

using Severity = Finding::Severity;
using Models = std::vector<const ModelConfig*>;

/// So many ${PORT}s from startPort on are thought to be taken one day.
constexpr int kRoomToGrow = 64;

constexpr const char* kOwnPort = "write --port ${PORT}, by which each model gets its own";

/// Where it says which port: its proxy, if the file has one, else its command, where the proxy that
/// is made for it stands.
std::string key_of_port(const ModelConfig& model, const LoadedConfig& loaded) {
  std::string cmd = "models." + model.id + ".cmd";
  const std::string proxy = "models." + model.id + ".proxy";
  const auto at_cmd = loaded.places.find(cmd);
  const auto at_proxy = loaded.places.find(proxy);
  if (at_cmd == loaded.places.end() || at_proxy == loaded.places.end()) return cmd;
  const SourcePlace& a = at_cmd->second;
  const SourcePlace& b = at_proxy->second;
  return std::tie(a.file, a.line, a.column) == std::tie(b.file, b.line, b.column) ? cmd : proxy;
}

Finding finding_of(Severity severity, const ModelConfig& model, const LoadedConfig& loaded,
                   std::string what, std::string todo) {
  Finding made;
  made.severity = severity;
  made.title = key_of_port(model, loaded);
  if (const auto it = loaded.places.find(made.title); it != loaded.places.end()) {
    made.place = it->second;
  }
  made.what = std::move(what);
  made.todo = std::move(todo);
  return made;
}

bool has_fixed_port(const ModelConfig& model) {
  return !model.port || *model.port != model.endpoint.port;
}

/// Those of @p others that may be loaded together with @p model.
std::vector<std::string> beside(const ModelConfig& model, const Models& others,
                                const Config& config) {
  std::vector<std::string> ids;
  for (const ModelConfig* const other : others) {
    if (other != &model && config.residency->may_coexist(model.id, other->id)) {
      ids.push_back(other->id);
    }
  }
  return ids;
}

/// Each model of @p models after the first that it clashes with, with those before it.
void add_clashes(const std::string& place, const Models& models, const LoadedConfig& loaded,
                 std::vector<Finding>& findings) {
  Models before;
  for (const ModelConfig* const model : models) {
    const std::vector<std::string> others = beside(*model, before, *loaded.config);
    before.push_back(model);
    if (others.empty()) continue;
    findings.push_back(finding_of(
        Severity::Refuse, *model, loaded,
        fmt::format("{} is that of {}, too, and they may be loaded at once: whichever starts last "
                    "finds it taken",
                    place, fmt::join(others, " and ")),
        fmt::format("{}; or keep them apart in matrix: or groups:",
                    model->endpoint.unix_path.empty() ? kOwnPort : "give each its own socket")));
  }
}

void add_near_misses(const ModelConfig& model, const LoadedConfig& loaded, bool shares,
                     std::vector<Finding>& findings) {
  const int first = loaded.config->start_port;
  const bool has_others =
      std::any_of(loaded.config->models.begin(), loaded.config->models.end(),
                  [](const auto& each) { return each.second.port.has_value(); });
  const int port = model.endpoint.port;
  if (!has_others || shares || port < first || port >= first + kRoomToGrow) return;
  findings.push_back(finding_of(
      Severity::Warn, model, loaded,
      fmt::format("port {} is one that ${{PORT}} may give to another model: it counts from {} "
                  "(startPort)",
                  port, first),
      fmt::format("write --port ${{PORT}} here, too, or a port below {}", first)));
}

void add_own_port(const Models& models, const std::string& listen, const LoadedConfig& loaded,
                  std::vector<Finding>& findings) {
  for (const ModelConfig* const model : models) {
    findings.push_back(finding_of(
        Severity::Refuse, *model, loaded,
        fmt::format("port {} is the one on which rouse itself listens ({}): the engine would find "
                    "it taken",
                    model->endpoint.port, listen),
        has_fixed_port(*model)
            ? fmt::format("{}; or let rouse listen elsewhere (--listen)", kOwnPort)
            : std::string("set another startPort, or let rouse listen elsewhere (--listen)")));
  }
}

}  // namespace

bool is_here(const Endpoint& endpoint) {
  return endpoint.unix_path.empty() && endpoint.port != 0 &&
         (endpoint.host == "localhost" || endpoint.host.starts_with("127.") ||
          endpoint.host == "::1" || endpoint.host == "0.0.0.0");
}

int port_of_listen(const std::string& listen) {
  const std::string text = listen.substr(listen.rfind(':') + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() ? port : 0;
}

std::vector<Finding> find_port_findings(const LoadedConfig& loaded, const std::string& listen) {
  std::vector<Finding> findings;
  std::map<int, Models> by_port;
  std::map<std::string, Models> by_socket;
  for (const auto& [id, model] : loaded.config->models) {
    if (model.argv.empty()) continue;
    if (is_here(model.endpoint)) by_port[model.endpoint.port].push_back(&model);
    if (!model.endpoint.unix_path.empty()) by_socket[model.endpoint.unix_path].push_back(&model);
  }
  for (const auto& [path, models] : by_socket) {
    add_clashes("the socket " + path, models, loaded, findings);
  }
  const int own = port_of_listen(listen);
  for (const auto& [port, models] : by_port) {
    if (port == own) {
      add_own_port(models, listen, loaded, findings);
      continue;
    }
    const std::size_t known = findings.size();
    add_clashes(fmt::format("port {}", port), models, loaded, findings);
    for (const ModelConfig* const model : models) {
      if (has_fixed_port(*model)) {
        add_near_misses(*model, loaded, findings.size() > known, findings);
      }
    }
  }
  for (const auto& [name, peer] : loaded.config->peers) {
    if (own == 0 || !is_here(peer.endpoint) || peer.endpoint.port != own) continue;
    Finding made;
    made.severity = Severity::Refuse;
    made.title = "peers." + name + ".proxy";
    if (const auto it = loaded.places.find(made.title); it != loaded.places.end()) {
      made.place = it->second;
    }
    made.what = fmt::format("{} is this rouse itself ({}): each request would come back to it",
                            peer.endpoint.authority(), listen);
    made.todo = "name the other machine, or take the peer out";
    findings.push_back(std::move(made));
  }
  return findings;
}

}  // namespace rouse
