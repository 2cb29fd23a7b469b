#include "proxy/config/secrets.hpp"

#include "base/config/environment.hpp"
#include "base/text/secrets.hpp"
#include "proxy/config/macros.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace rouse {

namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::array<std::string_view, 5> kSecretSections = {"apiKeys", "keys", "peers", "power",
                                                             "tls"};

void add_names(const YamlNode* node, Names& names) {
  if (node != nullptr) add_variables(*node, names);
}

std::string with_variables_hidden(const std::string& text) {
  std::string out;
  std::size_t done = 0;
  for_each_variable(text, [&](const std::string& name, std::size_t at, std::size_t size) {
    const char* const value = std::getenv(name.c_str());
    out += text.substr(done, at - done);
    out += value != nullptr && is_everybodys_variable(name) ? std::string_view(value) : kHidden;
    done = at + size;
  });
  return out + text.substr(done);
}

/// @p cmd for people: a secret of one of its options is none elsewhere in it either.
std::string shown(const std::string& cmd) {
  std::vector<std::string> values;
  std::string text = hide_secrets(cmd, &values);
  return hide_values(std::move(text), values);
}

/// Gives @p model the secrets that it names itself: @p named.
void keep_named(const Names& named, const Names& withheld, ModelConfig& model) {
  std::vector<std::string> kept;
  for (const std::string& name : named) {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr || !(withheld.contains(name) || is_secret_name(name))) continue;
    kept.push_back(name + "=" + value);
  }
  model.env.insert(model.env.begin(), kept.begin(), kept.end());
}

bool names_any(const YamlNode& node) {
  return (node.is_scalar() && names_variable(node.text)) ||
         std::any_of(node.items.begin(), node.items.end(), names_any) ||
         std::any_of(node.members.begin(), node.members.end(),
                     [](const YamlNode::Member& member) { return names_any(member.value); });
}

}  // namespace

void expand_keys(YamlNode& node) {
  for (YamlNode& item : node.items) expand_keys(item);
  for (YamlNode::Member& member : node.members) {
    if (names_variable(member.key)) {
      std::vector<Problem> told;  // where the same is read for good
      YamlNode key;
      key.kind = YamlNode::Kind::Scalar;
      key.text = member.key;
      expand_environment(key, "", told);
      member.key = std::move(key.text);
    }
    expand_keys(member.value);
  }
}

void find_secrets(Config& config) {
  for (auto& [id, model] : config.models) model.cmd_shown = shown(model.cmd);
  if (!names_any(*config.written)) return;
  YamlNode written = *config.written;
  std::map<std::string, int> ports;
  for (const auto& [id, model] : config.models) {
    if (model.port) ports.emplace(id, *model.port);
  }
  std::vector<Problem> told;
  expand_macros(written, ports, told);
  for (const std::string_view section : kSecretSections) {
    add_names(written.find(section), config.withheld);
  }
  const YamlNode* const models = written.find("models");
  if (models == nullptr) return;
  for (const YamlNode::Member& member : models->members) {
    add_names(member.value.find("apiKey"), config.withheld);
  }
  for (const YamlNode::Member& member : models->members) {
    const auto found = config.models.find(member.key);
    if (found == config.models.end()) continue;
    Names named;
    for (const std::string_view key : {"cmd", "cmdStop", "env"}) {
      add_names(member.value.find(key), named);
    }
    keep_named(named, config.withheld, found->second);
    const YamlNode* const cmd = member.value.find("cmd");
    const bool is_known = cmd != nullptr && !names_variable(found->second.cmd);
    if (is_known) found->second.cmd_shown = shown(with_variables_hidden(cmd->text));
  }
}

}  // namespace rouse
