#include "proxy/telemetry/machine/text.hpp"

#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"

#include <fmt/format.h>

#include <string_view>

namespace rouse {

namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;

void write_system(JsonWriter& json, const SystemSample& sample) {
  json.begin_object();
  json.member("timestamp", to_rfc3339(sample.at));
  json.key("cpu_util_per_core");
  json.begin_array();
  for (const double percent : sample.cpu_percent) json.value(percent);
  json.end_array();
  json.member("mem_total_mb", sample.memory_total / kMegabyte);
  json.member("mem_used_mb", sample.memory_used / kMegabyte);
  json.member("mem_free_mb", sample.memory_free / kMegabyte);
  json.member("swap_total_mb", sample.swap_total / kMegabyte);
  json.member("swap_used_mb", sample.swap_used / kMegabyte);
  json.member("load_avg_1", sample.load_1);
  json.member("load_avg_5", sample.load_5);
  json.member("load_avg_15", sample.load_15);
  json.key("net_io");
  json.begin_array();
  for (const Interface& each : sample.network) {
    json.begin_object();
    json.member("name", each.name);
    json.member("bytes_recv", each.bytes_received);
    json.member("bytes_sent", each.bytes_sent);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_gpu(JsonWriter& json, const GpuSample& gpu) {
  json.begin_object();
  json.member("timestamp", to_rfc3339(gpu.at));
  json.member("id", gpu.index);
  json.member("name", gpu.name);
  json.member("uuid", gpu.uuid);
  json.member("temp_c", static_cast<int>(gpu.temperature));
  json.member("vram_temp_c", static_cast<int>(gpu.memory_temperature));
  json.member("gpu_util_pct", gpu.busy_percent);
  json.member("mem_util_pct", gpu.memory_percent());
  json.member("mem_used_mb", gpu.memory_used / kMegabyte);
  json.member("mem_total_mb", gpu.memory_total / kMegabyte);
  json.member("fan_speed_pct", gpu.fan_percent);
  json.member("power_draw_w", gpu.watts);
  json.end_object();
}

/// A member that is left out when it is not known.
void known(JsonWriter& json, std::string_view name, const std::string& text) {
  if (!text.empty()) json.member(name, text);
}
void known(JsonWriter& json, std::string_view name, int number) {
  if (number > 0) json.member(name, number);
}

void write_accelerator(JsonWriter& json, const GpuSample& gpu) {
  json.begin_object();
  json.member("index", gpu.index);
  json.member("kind", "gpu");
  json.member("vendor", "NVIDIA");
  known(json, "model", gpu.name);
  json.key("memory");
  json.begin_object();
  // A chip that shares the system's memory says nothing of its own.
  json.member("kind", gpu.memory_total > 0 ? "dedicated" : "unknown");
  if (gpu.memory_total > 0) json.member("capacity_bytes", gpu.memory_total);
  json.end_object();
  json.key("driver");
  json.begin_object();
  json.member("name", "nvidia");
  known(json, "version", gpu.driver);
  json.end_object();
  known(json, "power_limit_watts", static_cast<int>(gpu.watts_max));
  json.end_object();
}

std::string label_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void describe(std::string& out, std::string_view name, std::string_view type,
              std::string_view help) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

void single(std::string& out, std::string_view name, std::uint64_t value, std::string_view help) {
  describe(out, name, "gauge", help);
  out += fmt::format("{} {}\n", name, value);
}

void of_gpus(std::string& out, const std::vector<GpuSample>& gpus, std::string_view name,
             std::string_view help, double (*value)(const GpuSample&)) {
  describe(out, name, "gauge", help);
  for (const GpuSample& gpu : gpus) {
    out += fmt::format("{}{{id=\"{}\",name=\"{}\"", name, gpu.index, label_text(gpu.name));
    if (!gpu.uuid.empty()) out += fmt::format(",uuid=\"{}\"", label_text(gpu.uuid));
    out += fmt::format("}} {}\n", value(gpu));
  }
}

}  // namespace

std::string performance_json(const std::deque<SystemSample>& system,
                             const std::deque<std::vector<GpuSample>>& gpus,
                             const std::optional<std::chrono::system_clock::time_point>& after) {
  JsonWriter json;
  json.begin_object();
  json.member("enabled", true);
  json.key("sys_stats");
  const auto is_wanted = [&](const auto& sample) { return !after || sample.at > *after; };
  // As the peer: null, not an empty list. The newest is last, so it tells whether there is one.
  if (system.empty() || !is_wanted(system.back())) {
    json.null();
  } else {
    json.begin_array();
    for (const SystemSample& sample : system) {
      if (is_wanted(sample)) write_system(json, sample);
    }
    json.end_array();
  }
  json.key("gpu_stats");
  if (gpus.empty() || !is_wanted(gpus.back().front())) {
    json.null();
  } else {
    json.begin_array();
    for (const std::vector<GpuSample>& at_once : gpus) {
      for (const GpuSample& gpu : at_once) {
        if (is_wanted(gpu)) write_gpu(json, gpu);
      }
    }
    json.end_array();
  }
  json.end_object();
  return json.take();
}

std::string hardware_json(const HardwareFacts& facts) {
  JsonWriter json;
  json.begin_object();
  json.member("schema_version", 1);
  json.member("captured_at", to_rfc3339(facts.at));
  json.key("capture");
  json.begin_object();
  json.member("scope", "host");
  json.member("method", "automatic");
  json.key("detector");
  json.begin_object();
  json.member("name", "rouse");
  json.member("version", ROUSE_VERSION);
  json.end_object();
  json.end_object();
  json.key("architecture");
  json.begin_object();
  json.member("name", facts.architecture);
  json.end_object();
  json.key("operating_system");
  json.begin_object();
  json.member("family", "linux");
  known(json, "name", facts.os_name);
  known(json, "version", facts.os_version);
  known(json, "kernel", facts.kernel);
  json.end_object();
  json.key("environment");
  json.begin_object();
  json.member("kind", facts.is_container     ? "container"
                      : facts.cpu.is_virtual ? "virtual_machine"
                                             : "bare_metal");
  json.end_object();
  json.key("cpu");
  json.begin_object();
  known(json, "vendor", facts.cpu.vendor);
  known(json, "model", facts.cpu.name);
  known(json, "socket_count", facts.cpu.sockets);
  known(json, "physical_core_count", facts.cpu.cores);
  known(json, "logical_thread_count", facts.cpu.threads);
  json.end_object();
  json.key("memory");
  json.begin_object();
  json.member("capacity_bytes", facts.memory_bytes);
  json.end_object();
  json.key("accelerators");
  json.begin_array();
  for (const GpuSample& gpu : facts.gpus) write_accelerator(json, gpu);
  json.end_array();
  json.end_object();
  return json.take();
}

std::string llama_swap_metrics(const SystemSample& system, const std::vector<GpuSample>& gpus) {
  std::string out;
  describe(out, "llamaswap_cpu_util_percent", "gauge", "CPU utilization per core (0-100)");
  for (std::size_t core = 0; core < system.cpu_percent.size(); ++core) {
    out += fmt::format("llamaswap_cpu_util_percent{{core=\"{}\"}} {}\n", core,
                       system.cpu_percent[core]);
  }
  single(out, "llamaswap_memory_total_bytes", system.memory_total, "Total memory");
  single(out, "llamaswap_memory_used_bytes", system.memory_used, "Used memory");
  single(out, "llamaswap_memory_free_bytes", system.memory_free, "Free memory");
  single(out, "llamaswap_swap_total_bytes", system.swap_total, "Total swap");
  single(out, "llamaswap_swap_used_bytes", system.swap_used, "Used swap");
  describe(out, "llamaswap_load_average", "gauge", "Load average");
  out += fmt::format("llamaswap_load_average{{interval=\"1m\"}} {}\n", system.load_1);
  out += fmt::format("llamaswap_load_average{{interval=\"5m\"}} {}\n", system.load_5);
  out += fmt::format("llamaswap_load_average{{interval=\"15m\"}} {}\n", system.load_15);
  describe(out, "llamaswap_network_bytes_total", "counter", "Bytes transferred");
  for (const Interface& each : system.network) {
    const std::string name = label_text(each.name);
    out += fmt::format("llamaswap_network_bytes_total{{interface=\"{}\",direction=\"recv\"}} {}\n",
                       name, each.bytes_received);
    out += fmt::format("llamaswap_network_bytes_total{{interface=\"{}\",direction=\"sent\"}} {}\n",
                       name, each.bytes_sent);
  }
  if (gpus.empty()) return out;
  const auto gpu = [&](std::string_view name, std::string_view help,
                       double (*value)(const GpuSample&)) {
    of_gpus(out, gpus, name, help, value);
  };
  gpu("llamaswap_gpu_temperature_celsius", "GPU temperature",
      [](const GpuSample& g) { return g.temperature; });
  gpu("llamaswap_gpu_vram_temperature_celsius", "GPU VRAM temperature; 0: not known",
      [](const GpuSample& g) { return g.memory_temperature; });
  gpu("llamaswap_gpu_util_percent", "GPU utilization (0-100)",
      [](const GpuSample& g) { return g.busy_percent; });
  gpu("llamaswap_gpu_memory_util_percent", "GPU memory in use (0-100)",
      [](const GpuSample& g) { return g.memory_percent(); });
  gpu("llamaswap_gpu_memory_used_bytes", "GPU memory used",
      [](const GpuSample& g) { return static_cast<double>(g.memory_used); });
  gpu("llamaswap_gpu_memory_total_bytes", "GPU memory",
      [](const GpuSample& g) { return static_cast<double>(g.memory_total); });
  gpu("llamaswap_gpu_fan_speed_percent", "GPU fan speed (0-100)",
      [](const GpuSample& g) { return g.fan_percent; });
  gpu("llamaswap_gpu_power_draw_watts", "GPU power draw",
      [](const GpuSample& g) { return g.watts; });
  return out;
}

}  // namespace rouse
