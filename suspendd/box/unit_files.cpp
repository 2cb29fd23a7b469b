#include "suspendd/box/unit_files.hpp"

#include "base/text/ascii.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace rouse::suspendd {
namespace {

/// Lowest precedence first. /lib is /usr/lib where /usr is merged; a second reading changes
/// nothing, since a file of one name counts once.
constexpr std::array kFolders{"/lib/systemd", "/usr/lib/systemd", "/usr/local/lib/systemd",
                              "/run/systemd", "/etc/systemd"};

std::vector<Assignment> parse(std::string_view text, const std::string& file) {
  std::vector<Assignment> found;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#' || line[0] == ';' || line[0] == '[') continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    found.push_back({std::string(trim(line.substr(0, equals))),
                     std::string(trim(line.substr(equals + 1))), file});
  }
  return found;
}

void append(std::vector<Assignment>& to, std::vector<Assignment> from) {
  for (Assignment& one : from) to.push_back(std::move(one));
}

/// The file of the highest precedence, then every drop-in by name; of two drop-ins with one name
/// the one of higher precedence hides the other.
std::vector<Assignment> merged(const Root& root, std::string_view below, std::string_view name) {
  std::string main;
  std::map<std::string, std::string> drop_ins;
  for (const char* folder : kFolders) {
    const std::string file = folder + std::string(below) + "/" + std::string(name);
    if (root.exists(file)) main = file;
    for (const std::string& entry : root.list(file + ".d")) {
      if (entry.ends_with(".conf")) drop_ins[entry] = file + ".d/" + entry;
    }
  }
  std::vector<Assignment> settings;
  if (!main.empty()) append(settings, file_settings(root, main));
  for (const auto& [entry, file] : drop_ins) append(settings, file_settings(root, file));
  return settings;
}

}  // namespace

std::vector<Assignment> file_settings(const Root& root, const std::string& file) {
  const auto text = root.read(file);
  return text ? parse(*text, file) : std::vector<Assignment>{};
}

std::vector<Assignment> systemd_settings(const Root& root, std::string_view name) {
  return merged(root, "", name);
}

std::vector<Assignment> unit_settings(const Root& root, std::string_view unit) {
  return merged(root, "/system", unit);
}

std::vector<std::string> list_setting(const std::vector<Assignment>& settings,
                                      std::string_view key) {
  std::vector<std::string> words;
  for (const Assignment& one : settings) {
    if (one.key != key) continue;
    if (one.value.empty()) words.clear();
    std::string_view rest = one.value;
    while (!rest.empty()) {
      const auto end = rest.find_first_of(" \t");
      if (end != 0) words.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  return words;
}

std::string last_setting(const std::vector<Assignment>& settings, std::string_view key) {
  std::string value;
  for (const Assignment& one : settings) {
    if (one.key == key) value = one.value;
  }
  return value;
}

bool unit_exists(const Root& root, std::string_view unit) {
  return std::any_of(kFolders.begin(), kFolders.end(), [&](const char* folder) {
    return root.exists(std::string(folder) + "/system/" + std::string(unit));
  });
}

bool unit_is_pulled_in(const Root& root, std::string_view unit, std::string_view by) {
  for (const char* folder : kFolders) {
    for (const char* how : {".wants/", ".requires/"}) {
      // The link's target is on the real machine's path, so the link itself is what counts.
      const std::string link =
          std::string(folder) + "/system/" + std::string(by) + how + std::string(unit);
      if (!root.link(link).empty() || root.exists(link)) return true;
    }
  }
  return false;
}

}  // namespace rouse::suspendd
