#include "suspendd/gpu/drm_clients.hpp"

#include "base/text/ascii.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>

namespace rouse::suspendd {
namespace {

std::uint64_t leading_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t bytes_of(std::string_view text) {
  std::uint64_t bytes = leading_number(text);
  if (text.ends_with("KiB")) bytes *= 1024;
  if (text.ends_with("MiB")) bytes *= 1024 * 1024;
  return bytes;
}

/// "drm-engine-render" below "drm-engine-" is "render".
bool below(std::string_view key, std::string_view prefix, std::string& rest) {
  if (!key.starts_with(prefix)) return false;
  rest = key.substr(prefix.size());
  return true;
}

void take_field(std::string_view key, std::string_view value, DrmClient& client) {
  std::string name;
  if (key == "drm-pdev") {
    client.gpu = value;
  } else if (key == "drm-client-id") {
    client.client_id = value;
  } else if (key == "drm-driver") {
    client.driver = value;
  } else if (below(key, "drm-engine-capacity-", name)) {
    client.capacities[name] = leading_number(value);
  } else if (below(key, "drm-engine-", name) || below(key, "drm-cycles-", name)) {
    client.engines[name] = leading_number(value);
  } else if (below(key, "drm-total-cycles-", name)) {
    client.totals[name] = leading_number(value);
  } else if (key == "drm-memory-vram" || key == "drm-total-vram0" || key == "drm-total-local0") {
    client.memory += bytes_of(value);
  }
}

std::uint64_t grown(const std::map<std::string, std::uint64_t>* before, const std::string& name,
                    std::uint64_t now) {
  if (before == nullptr) return now;
  const auto old = before->find(name);
  return old == before->end() || old->second > now ? now : now - old->second;
}

}  // namespace

DrmClient parse_fdinfo(std::string_view text) {
  DrmClient client;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    take_field(line.substr(0, colon), trim(line.substr(colon + 1)), client);
  }
  return client;
}

DrmClients read_drm_clients(const Root& root) {
  DrmClients found;
  std::set<std::string> told;
  for (const std::string& process : root.list("/proc")) {
    if (!is_digits(process)) continue;
    const std::string folder = "/proc/" + process;
    // With CAP_SYS_PTRACE alone, what a file is cannot be read from its link, but its fdinfo can.
    const bool has_links = ::access(root.path(folder + "/fd").c_str(), R_OK | X_OK) == 0;
    const bool is_hidden = !has_links && errno == EACCES;
    if (is_hidden && ::access(root.path(folder + "/fdinfo").c_str(), R_OK | X_OK) != 0) {
      found.is_complete = false;
      continue;
    }
    for (const std::string& fd : root.list(folder + "/fdinfo")) {
      const bool is_gpu =
          !has_links || root.link(folder + "/fd/" + fd).find("/dev/dri/") != std::string::npos;
      if (!is_gpu) continue;
      const auto text = root.read(folder + "/fdinfo/" + fd);
      if (!text) continue;
      DrmClient client = parse_fdinfo(*text);
      if (client.gpu.empty() || !told.insert(client.gpu + " " + client.client_id).second) continue;
      client.pid = static_cast<int>(leading_number(process));
      found.clients.push_back(std::move(client));
    }
  }
  return found;
}

int busy_between(const DrmClient* before, const DrmClient& after, std::uint64_t elapsed_ns) {
  double most = 0;
  for (const auto& [name, now] : after.engines) {
    double work =
        static_cast<double>(grown(before == nullptr ? nullptr : &before->engines, name, now));
    double time = static_cast<double>(elapsed_ns);
    if (const auto total = after.totals.find(name); total != after.totals.end()) {
      // A total counts from the start of the driver: without an earlier one, nothing is known.
      if (before == nullptr) continue;
      time = static_cast<double>(grown(&before->totals, name, total->second));
    }
    if (const auto many = after.capacities.find(name);
        many != after.capacities.end() && many->second > 1) {
      work /= static_cast<double>(many->second);
    }
    if (time > 0) most = std::max(most, work / time * 100);
  }
  return static_cast<int>(std::min(most, 100.0));
}

}  // namespace rouse::suspendd
