#include "suspendd/box/trap_list.hpp"
#include "suspendd/box/unit_files.hpp"

#include <algorithm>
#include <array>

namespace rouse::suspendd {
namespace {

constexpr const char* kDaemonUnit = "rouse-suspendd.service";
constexpr const char* kSuspendAction = "org.freedesktop.login1.suspend";
constexpr std::array kBusServices{"/etc/dbus-1/system-services",
                                  "/usr/local/share/dbus-1/system-services",
                                  "/usr/share/dbus-1/system-services"};
constexpr std::array kRuleFolders{"/etc/polkit-1/rules.d", "/run/polkit-1/rules.d",
                                  "/usr/local/share/polkit-1/rules.d",
                                  "/usr/share/polkit-1/rules.d"};

/// The bus can start it.
bool has_polkit(const Root& root) {
  return std::any_of(kBusServices.begin(), kBusServices.end(), [&](const char* folder) {
    return root.exists(std::string(folder) + "/org.freedesktop.PolicyKit1.service");
  });
}

/// The file that speaks of a suspend and of @p user; what it says is a program's, which only polkit
/// runs.
std::string rule_for(const Root& root, const std::string& user) {
  for (const char* folder : kRuleFolders) {
    for (const std::string& entry : root.list(folder)) {
      std::string file = std::string(folder) + "/" + entry;
      if (!entry.ends_with(".rules")) continue;
      const auto text = root.read(file);
      const bool names_both = text && text->find(kSuspendAction) != std::string::npos &&
                              text->find('"' + user + '"') != std::string::npos;
      if (names_both) return file;
    }
  }
  return {};
}

}  // namespace

void find_rights_traps(const Root& root, const TrapContext& context, TrapList& traps) {
  if (!context.asked_as_root || !unit_exists(root, kDaemonUnit)) return;
  const std::string user = last_setting(unit_settings(root, kDaemonUnit), "User");
  if (user.empty() || user == "root") return;
  const std::string title = "daemon's rights";
  if (!has_polkit(root)) {
    traps.refuse(
        title,
        "the daemon runs as the user " + user +
            ", whom logind lets suspend only by polkit's word, and polkit is not installed",
        "`apt install polkitd`");
    return;
  }
  const std::string rule = rule_for(root, user);
  if (rule.empty()) {
    traps.refuse(
        title,
        "the daemon runs as the user " + user + ", whom no rule of polkit lets suspend the machine",
        "put 50-rouse-suspendd.rules of the package into /etc/polkit-1/rules.d, with that "
        "user's name");
    return;
  }
  traps.ok(title, "the daemon's user " + user + " may suspend, by " + rule);
}

}  // namespace rouse::suspendd
