#include "proxy/peers/peer_memory.hpp"

#include "base/service/private_files.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/wire/capabilities_json.hpp"
#include "proxy/wire/query.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <fstream>

namespace rouse {

namespace {

using std::chrono::system_clock;

std::string to_json(const PeerMemory& memory) {
  JsonWriter json;
  json.begin_object();
  json.member("asleep", memory.state.asleep);
  if (memory.state.slept) {
    json.member("epoch", memory.state.slept->number);
    json.member("boot_id", memory.state.slept->boot_id);
  }
  json.key("macs");
  json.begin_array();
  for (const MacAddress& mac : memory.macs) json.value(mac.text());
  json.end_array();
  json.key("models");
  json.begin_array();
  for (const std::string& model : memory.models) json.value(model);
  json.end_array();
  json.key("capabilities");
  json.begin_object();
  for (const auto& [model, can] : memory.capabilities) {
    json.key(model);
    json.begin_object();
    wire::write_capabilities(json, can);
    json.end_object();
  }
  json.end_object();
  json.member("listed_at", static_cast<std::int64_t>(system_clock::to_time_t(memory.listed_at)));
  json.end_object();
  return json.take();
}

}  // namespace

std::filesystem::path peer_memory_file(const std::filesystem::path& dir, const std::string& name) {
  // A name is free text; a file's is not.
  return dir / "peers" / (wire::percent_encode(name) + ".json");
}

PeerMemory read_peer_memory(const std::filesystem::path& file) {
  PeerMemory memory;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.load(file.string()).get(root) != simdjson::SUCCESS) return memory;
  if (root["asleep"].get(memory.state.asleep) != simdjson::SUCCESS) return {};
  core::peer::Epoch epoch;
  std::string_view boot_id;
  if (root["epoch"].get(epoch.number) == simdjson::SUCCESS &&
      root["boot_id"].get(boot_id) == simdjson::SUCCESS) {
    epoch.boot_id = boot_id;
    memory.state.slept = epoch;
  }
  simdjson::dom::array list;
  std::string_view text;
  if (root["macs"].get(list) == simdjson::SUCCESS) {
    for (const simdjson::dom::element each : list) {
      if (each.get(text) != simdjson::SUCCESS) continue;
      if (const auto mac = MacAddress::parse(text)) memory.macs.push_back(*mac);
    }
  }
  if (root["models"].get(list) == simdjson::SUCCESS) {
    for (const simdjson::dom::element each : list) {
      if (each.get(text) == simdjson::SUCCESS) memory.models.emplace_back(text);
    }
  }
  simdjson::dom::object members;
  if (root["capabilities"].get(members) == simdjson::SUCCESS) {
    for (const auto& [model, can] : members) {
      memory.capabilities.emplace(model, wire::read_listed(simdjson::minify(can)));
    }
  }
  std::int64_t listed_at = 0;
  if (root["listed_at"].get(listed_at) == simdjson::SUCCESS) {
    memory.listed_at = system_clock::from_time_t(static_cast<std::time_t>(listed_at));
  }
  return memory;
}

Result<void> write_peer_memory(const std::filesystem::path& file, const PeerMemory& memory) {
  Result<void> written = make_private_folder(file.parent_path());
  if (written) written = write_private_file(file, to_json(memory) + "\n");
  if (!written) return Error{written.error().code, "remembering a peer in " + file.string()};
  return {};
}

}  // namespace rouse
