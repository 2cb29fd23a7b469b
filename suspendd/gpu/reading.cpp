#include "suspendd/gpu/reading.hpp"

#include "base/text/json_writer.hpp"

#include <simdjson.h>

namespace rouse::suspendd {
namespace {

template <class T>
void optional_member(JsonWriter& out, std::string_view name, const std::optional<T>& value) {
  if (value) out.member(name, *value);
}

void write(JsonWriter& out, const GpuProcess& process) {
  out.begin_object();
  out.member("pid", process.pid);
  out.member("name", process.name);
  out.member("memory", process.memory);
  optional_member(out, "busy", process.busy_percent);
  out.key("lineage");
  out.begin_array();
  for (const int pid : process.lineage) out.value(pid);
  out.end_array();
  out.end_object();
}

void write(JsonWriter& out, const GpuDevice& device) {
  out.begin_object();
  out.member("vendor", device.vendor);
  out.member("id", device.id);
  out.member("name", device.name);
  out.member("suspended", device.is_suspended);
  optional_member(out, "busy", device.busy_percent);
  out.member("sampled", device.is_sampled);
  optional_member(out, "memory_used", device.memory_used);
  optional_member(out, "memory_total", device.memory_total);
  optional_member(out, "watts", device.watts);
  optional_member(out, "pstate", device.pstate);
  if (device.processes) {
    out.key("processes");
    out.begin_array();
    for (const GpuProcess& process : *device.processes) write(out, process);
    out.end_array();
  }
  out.member("error", device.error);
  out.end_object();
}

using Element = simdjson::dom::element;

std::string text_of(const Element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

bool truth_of(const Element& object, std::string_view key) {
  bool truth = false;
  return object[key].get(truth) == simdjson::SUCCESS && truth;
}

std::optional<std::int64_t> whole_number(const Element& object, std::string_view key) {
  std::int64_t number = 0;
  if (object[key].get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::optional<int> small_of(const Element& object, std::string_view key) {
  const auto number = whole_number(object, key);
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

std::optional<std::uint64_t> size_of(const Element& object, std::string_view key) {
  std::uint64_t number = 0;
  if (object[key].get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

GpuProcess process_of(const Element& object) {
  GpuProcess process;
  process.pid = small_of(object, "pid").value_or(0);
  process.name = text_of(object, "name");
  process.memory = size_of(object, "memory").value_or(0);
  process.busy_percent = small_of(object, "busy");
  simdjson::dom::array lineage;
  if (object["lineage"].get(lineage) == simdjson::SUCCESS) {
    for (const Element pid : lineage) {
      std::int64_t number = 0;
      if (pid.get(number) == simdjson::SUCCESS) process.lineage.push_back(static_cast<int>(number));
    }
  }
  return process;
}

GpuDevice device_of(const Element& object) {
  GpuDevice device;
  device.vendor = text_of(object, "vendor");
  device.id = text_of(object, "id");
  device.name = text_of(object, "name");
  device.is_suspended = truth_of(object, "suspended");
  device.busy_percent = small_of(object, "busy");
  device.is_sampled = truth_of(object, "sampled");
  device.memory_used = size_of(object, "memory_used");
  device.memory_total = size_of(object, "memory_total");
  double watts = 0;
  if (object["watts"].get(watts) == simdjson::SUCCESS) device.watts = watts;
  device.pstate = small_of(object, "pstate");
  simdjson::dom::array processes;
  if (object["processes"].get(processes) == simdjson::SUCCESS) {
    device.processes.emplace();
    for (const Element process : processes) device.processes->push_back(process_of(process));
  }
  device.error = text_of(object, "error");
  return device;
}

}  // namespace

std::string to_json(const GpuReading& reading) {
  JsonWriter out;
  out.begin_object();
  out.key("devices");
  out.begin_array();
  for (const GpuDevice& device : reading.devices) write(out, device);
  out.end_array();
  out.member("nvidia_driver", reading.nvidia_driver);
  out.member("error", reading.error);
  out.member("source", reading.source);
  out.end_object();
  return out.take();
}

std::optional<GpuReading> gpu_reading_from_json(std::string_view json) {
  simdjson::dom::parser parser;
  Element top;
  simdjson::dom::array devices;
  const simdjson::padded_string text(json);
  if (parser.parse(text).get(top) != simdjson::SUCCESS ||
      top["devices"].get(devices) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  GpuReading reading;
  for (const Element device : devices) reading.devices.push_back(device_of(device));
  reading.nvidia_driver = text_of(top, "nvidia_driver");
  reading.error = text_of(top, "error");
  reading.source = text_of(top, "source");
  return reading;
}

}  // namespace rouse::suspendd
