#include "base/config/environment.hpp"
#include "base/config/follow_ups.hpp"
#include "base/config/shape.hpp"
#include "proxy/config/config.hpp"
#include "proxy/config/macros.hpp"
#include "proxy/config/merge.hpp"
#include "proxy/config/reader.hpp"
#include "proxy/config/schema.hpp"
#include "proxy/config/secrets.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>

namespace rouse {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileMax = 16 * 1024 * 1024;

/// Without a configuration if one of @p problems is an error.
LoadedConfig sorted(LoadedConfig loaded, std::vector<Problem> problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  if (has_errors(problems)) loaded.config.reset();
  loaded.problems = std::move(problems);
  return loaded;
}

/// Whether the tables of names are mappings: else whoever names something would be told that it is
/// not there.
bool has_names(const YamlNode& root) {
  for (const char* const key : {"models", "peers", "selectors", "profiles"}) {
    const YamlNode* const node = root.find(key);
    if (node != nullptr && !node->is_map() && !node->is_null()) return false;
  }
  return true;
}

std::set<std::string, std::less<>> emptied_in(const YamlNode& root) {
  std::set<std::string, std::less<>> emptied;
  for (const char* const key : {"models", "peers", "keys", "apiKeys"}) {
    const YamlNode* const node = root.find(key);
    const bool is_empty = node != nullptr && ((node->is_map() && node->members.empty()) ||
                                              (node->is_list() && node->items.empty()));
    if (is_empty) emptied.insert(key);
  }
  return emptied;
}

/// That there is nothing, where the file does not say that nothing is meant.
void warn_of_nothing(const YamlNode& root, const std::string& file,
                     std::vector<Problem>& problems) {
  if (root.is_null()) {
    problems.push_back({Problem::Severity::Warning,
                        {file, 0, 0},
                        "",
                        "the file is empty, or has comments only: there are no models and no peers "
                        "(write models: {} if "
                        "that is meant)"});
    return;
  }
  for (const YamlNode::Member& member : root.members) {
    if (member.key != "models" || !member.value.is_null()) continue;
    problems.push_back({Problem::Severity::Warning, member.place, "models",
                        "is empty: models stand indented below it, each with its name and a colon "
                        "(write models: {} if there shall be none)"});
  }
}

/// Of the keys down to those of a model, a peer, and how it is woken.
void add_places(const YamlNode& node, const std::string& path, int depth,
                std::map<std::string, SourcePlace>& places) {
  constexpr int kDepthMax = 4;
  for (const YamlNode::Member& member : node.members) {
    const std::string below = path.empty() ? member.key : path + "." + member.key;
    places.emplace(below, member.value.is_scalar() ? member.value.place : member.place);
    if (depth < kDepthMax) add_places(member.value, below, depth + 1, places);
  }
}

/// What all files say together.
struct Sources {
  YamlNode root;
  YamlNode written;  ///< the same with each ${env.NAME} of a value as it stands there
};

/// From one tree, merged of all files, to values. @p file: the first of them.
LoadedConfig finish(Sources sources, const std::string& file,
                    const std::map<std::string, int>& kept_ports, std::vector<Problem> problems) {
  LoadedConfig loaded;
  YamlNode& root = sources.root;
  loaded.emptied = emptied_in(root);
  auto source = std::make_shared<const YamlNode>(root);
  std::vector<Problem> macros;
  const std::map<std::string, int> ports = expand_macros(root, kept_ports, macros);
  std::vector<Problem> shape;
  check_shape(root, config_table(), shape, loaded.unsupported);
  drop_follow_ups(root, 0, shape);
  if (!has_errors(shape)) warn_of_nothing(root, file, shape);
  // One fault is told once: by whoever knows best what is wrong with that key.
  drop_below(shape, macros);
  add_independent(problems, std::move(macros));
  add_independent(problems, std::move(shape));
  std::vector<Problem> later;
  const std::shared_ptr<Config> config = read_config(root, ports, later);
  config->source = std::move(source);
  config->written = std::make_shared<const YamlNode>(std::move(sources.written));
  find_secrets(*config);
  loaded.config = config;
  drop_follow_ups(root, 0, later);
  if (has_names(root)) add_independent(problems, std::move(later));
  add_places(root, "", 1, loaded.places);
  return sorted(std::move(loaded), std::move(problems));
}

std::vector<fs::path> yaml_files(const std::string& dir, std::vector<Problem>& problems) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entries(dir, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path extension = entries->path().extension();
    std::error_code unknown;  // of a loop of links, for one: add_file() will say what is wrong
    const bool is_folder = entries->is_directory(unknown);
    if (!is_folder && (extension == ".yaml" || extension == ".yml")) {
      files.push_back(entries->path());
    }
  }
  if (error) {
    problems.push_back(
        {Problem::Severity::Error, {dir, 0, 0}, "", "cannot be listed: " + error.message()});
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Adds what @p text has. False: nothing of it could be read, so that nobody knows what there is.
bool add_text(const std::string& text, const std::string& name, bool looks_up_env, Sources& sources,
              std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  YamlNode more = read_yaml(text, name, problems);
  if (more.is_null() && has_errors(problems, before)) return false;
  YamlNode written = more;
  if (looks_up_env) {
    expand_environment(more, "", problems);
    expand_keys(written);
  }
  const std::string fault = top_fault(more, config_table());
  if (!fault.empty()) {
    problems.push_back({Problem::Severity::Error, more.place, "", fault});
    return false;
  }
  merge_config(sources.root, std::move(more), problems);
  std::vector<Problem> told;
  merge_config(sources.written, std::move(written), told);
  return true;
}

/// The same for a file.
bool add_file(const fs::path& path, bool looks_up_env, Sources& sources,
              std::vector<Problem>& problems) {
  const auto refuse = [&](std::string text) {
    problems.push_back({Problem::Severity::Error, {path.string(), 0, 0}, "", std::move(text)});
    return false;
  };
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return refuse("cannot be read: " + error.message());
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse("cannot be read: " + std::generic_category().message(errno));
  if (size > kFileMax) return refuse("is larger than 16 MiB");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return add_text(text, path.string(), looks_up_env, sources, problems);
}

}  // namespace

std::optional<ModelConfig> with_port(const Config& config, const std::string& id, int port) {
  std::map<std::string, int> ports;
  for (const auto& [each, model] : config.models) {
    if (model.port) ports.emplace(each, each == id ? port : *model.port);
  }
  if (!ports.contains(id)) return std::nullopt;
  const LoadedConfig moved = finish({*config.source, *config.written}, {}, ports, {});
  if (!moved.config) return std::nullopt;
  return moved.config->models.at(id);
}

ConfigSources keeping_ports(ConfigSources sources, const Config& config) {
  for (const auto& [id, model] : config.models) {
    if (model.port) sources.ports.emplace(id, *model.port);
  }
  return sources;
}

LoadedConfig load_config(const ConfigSources& sources) {
  std::vector<Problem> problems;
  Sources texts;
  std::vector<fs::path> files;
  if (!sources.dir.empty()) files = yaml_files(sources.dir, problems);
  if (!sources.file.empty()) {
    const auto is_same = [&](const fs::path& each) {
      std::error_code ignored;
      return fs::equivalent(each, sources.file, ignored);
    };
    if (std::erase_if(files, is_same) > 0) {
      problems.push_back({Problem::Severity::Error,
                          {sources.file, 0, 0},
                          "",
                          "is inside the --config-dir, too: name it once"});
    }
    files.insert(files.begin(), sources.file);
  }
  if (files.empty() && problems.empty()) {
    problems.push_back(
        {Problem::Severity::Error, {sources.dir, 0, 0}, "", "no configuration sources found"});
  }
  bool knows_all = true;
  for (const fs::path& path : files) {
    knows_all = add_file(path, sources.looks_up_env, texts, problems) && knows_all;
  }
  // What one file lacks may stand in one that cannot be read.
  if (!knows_all || files.empty()) return sorted({}, std::move(problems));
  return finish(std::move(texts), files.front().string(), sources.ports, std::move(problems));
}

std::string fingerprint(const ConfigSources& sources) {
  std::vector<Problem> ignored;
  std::vector<fs::path> files;
  if (!sources.dir.empty()) files = yaml_files(sources.dir, ignored);
  if (!sources.file.empty()) files.push_back(sources.file);
  std::string text;
  for (const fs::path& path : files) {
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0) continue;
    text += fmt::format("{} {}:{} {}.{} {}\n", path.string(), seen.st_dev, seen.st_ino,
                        seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec, seen.st_size);
  }
  return text;
}

LoadedConfig parse_config(std::string_view text, const std::string& name, bool looks_up_env) {
  std::vector<Problem> problems;
  Sources sources;
  const bool is_known = add_text(std::string(text), name, looks_up_env, sources, problems);
  if (!is_known) return sorted({}, std::move(problems));
  return finish(std::move(sources), name, {}, std::move(problems));
}

}  // namespace rouse
