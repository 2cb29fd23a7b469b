#include "proxy/check/findings.hpp"

#include "proxy/access/open_listener.hpp"
#include "proxy/check/command_findings.hpp"
#include "proxy/check/ports.hpp"
#include "proxy/check/program.hpp"
#include "proxy/check/time_text.hpp"
#include "proxy/telemetry/activity/store_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace rouse {

namespace {

using Severity = Finding::Severity;

constexpr std::size_t kKeyLeast = 16;  // characters

/// Whether a command has --host with every address of the machine.
bool listens_on_all(const std::vector<std::string>& argv) {
  constexpr std::string_view kHost = "--host";
  constexpr std::array<std::string_view, 4> kAll = {"0.0.0.0", "::", "[::]", "*"};
  for (std::size_t i = 1; i < argv.size(); ++i) {
    std::string_view word = argv[i];
    if (word == kHost && i + 1 < argv.size()) {
      word = argv[i + 1];
    } else if (word.starts_with(kHost) && word.substr(kHost.size()).starts_with('=')) {
      word.remove_prefix(kHost.size() + 1);
    } else {
      continue;
    }
    if (std::find(kAll.begin(), kAll.end(), word) != kAll.end()) return true;
  }
  return false;
}

void append(std::vector<Finding> more, std::vector<Finding>& list) {
  std::move(more.begin(), more.end(), std::back_inserter(list));
}

/// What is not about models' commands or ports.
class OtherLook {
 public:
  OtherLook(const LoadedConfig& loaded, const CheckedPlace& place)
      : loaded_(loaded), config_(*loaded.config), place_(place) {}

  std::vector<Finding> look() {
    for (const auto& [name, peer] : config_.peers) {
      if (peer.wake) look_at_wake(name, *peer.wake);
    }
    look_at_keys();
    look_at_lists("hooks.on_startup", "preload", config_.preload);
    look_at_lists("power", "onWake", config_.power.load);
    look_at_tls();
    look_at_store();
    look_at_exposure();
    look_at_engines();
    look_at_user();
    return std::move(findings_);
  }

 private:
  void add(Severity severity, const std::string& title, std::string what, std::string todo) {
    SourcePlace where;
    if (const auto it = loaded_.places.find(title); it != loaded_.places.end()) where = it->second;
    findings_.push_back({severity, where, title, std::move(what), std::move(todo)});
  }

  void look_at_wake(const std::string& peer, const WakeConfig& wake) {
    const WakePlan& plan = wake.plan;
    const std::string title = "peers." + peer + ".wake";
    if (!plan.has_path()) {
      add(Severity::Warn, title,
          fmt::format("no address of a network card is given, so {} cannot be woken until a rouse "
                      "there has told it once, awake",
                      peer),
          "write mac: (`ip link` there shows it)");
    }
    if (plan.command.empty()) return;
    const FoundProgram program = find_program(plan.command.front(), {}, *place_.files);
    if (!program.fault) return;
    const bool is_only_way = plan.macs.empty() && !plan.hook && !wake.learns_macs;
    add(is_only_way ? Severity::Refuse : Severity::Warn, title + ".command",
        fmt::format("program {} {}", plan.command.front(), program.fault->what),
        program.fault->todo);
  }

  void look_at_keys() {
    const bool wakes = std::any_of(config_.peers.begin(), config_.peers.end(),
                                   [](const auto& each) { return each.second.wake.has_value(); });
    bool may_wake = config_.keys.empty();
    bool may_read = config_.keys.empty() || config_.capture_buffer_mb <= 0;
    for (const KeyConfig& key : config_.keys) {
      if (key.has_expired(place_.now)) {
        add(Severity::Warn, "keys." + key.name,
            fmt::format("expired on {}: whoever uses it is refused", day_text(*key.expires)),
            fmt::format("`rouse key {}` makes a new one; or take it out", key.name));
        continue;
      }
      may_wake = may_wake || key.has(Scope::Wake);
      may_read = may_read || key.has(Scope::Captures);
    }
    if (!may_read) {
      add(Severity::Warn, "captureBuffer",
          "no key has the scope captures: nobody can read what is recorded (observe is not enough)",
          "add captures to the scopes of those who may read prompts");
    }
    const auto is_short = [](const std::string& key) { return key.size() < kKeyLeast; };
    if (std::any_of(config_.api_keys.begin(), config_.api_keys.end(), is_short)) {
      add(Severity::Warn, "apiKeys",
          fmt::format("one of them has less than {} characters: it can be guessed", kKeyLeast),
          "`rouse key NAME` makes one that cannot");
    }
    if (wakes && !may_wake) {
      add(Severity::Warn, "keys", "no key has the scope wake: no request wakes a peer that sleeps",
          "add wake to the scopes of those who may");
    }
  }

  /// Models that are loaded one after the other, of which a later one makes an earlier one leave.
  void look_at_lists(const std::string& section, const std::string& key,
                     const std::vector<std::string>& models) {
    core::ModelSet loaded;
    for (const std::string& model : models) {
      const core::Eviction eviction = config_.residency->make_room(model, loaded);
      if (!eviction.evict.empty()) {
        add(Severity::Warn, section + "." + key,
            fmt::format("{} and {} are never loaded together: each that comes makes others leave",
                        fmt::join(eviction.evict, ", "), model),
            "name only models that may stand side by side");
        return;
      }
      loaded.insert(model);
    }
  }

  void look_at_tls() {
    for (const auto& [key, path] :
         {std::pair("tls.cert", config_.tls.cert), std::pair("tls.key", config_.tls.key)}) {
      if (path.empty()) continue;
      const FileFacts facts = place_.files->look(path);
      if (facts.kind == FileFacts::Kind::Missing) {
        add(Severity::Refuse, key,
            fmt::format("{} does not exist: rouse would not start with it", path),
            "correct the path");
      } else if (facts.kind == FileFacts::Kind::File && !facts.may_read) {
        add(Severity::Refuse, key,
            fmt::format("{} may not be read by {}: rouse would not start with it", path,
                        place_.files->user()),
            fmt::format("let {} read it (chmod, chown, or a group)", place_.files->user()));
      }
    }
  }

  void look_at_store() {
    if (!config_.store_path) return;
    const std::string& path = *config_.store_path;
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    if (place_.files->look(folder).kind == FileFacts::Kind::Missing) {
      return add(Severity::Warn, "store.path",
                 fmt::format("there is no folder {}: the history is kept in memory", folder),
                 "make it, or correct the path");
    }
    const std::string foreign = foreign_store(place_.files->head(path, kStoreHeadSize));
    if (foreign.empty()) return;
    add(Severity::Warn, "store.path",
        fmt::format("{} is {}: it is left as it is, and the history is kept in memory", path,
                    foreign),
        "name a file that is not there yet");
  }

  void look_at_exposure() {
    const std::string host = place_.listen.substr(0, place_.listen.rfind(':'));
    if (!place_.tells_exposure || !open_listener_warning(config_, host)) return;
    add(Severity::Warn, "keys",
        fmt::format("there are none, and rouse listens on {}: whoever can reach that may use, load "
                    "and unload every model",
                    place_.listen),
        "make one with `rouse key NAME`, or listen on 127.0.0.1 only");
  }

  /// Engines that anybody can reach past the keys.
  void look_at_engines() {
    if (config_.keys.empty()) return;
    for (const auto& [id, model] : config_.models) {
      if (!model.api_key.empty() || !listens_on_all(model.argv)) continue;
      add(Severity::Warn, "models." + id + ".cmd",
          "the engine listens on every address: whoever reaches its port needs none of the keys "
          "here",
          "have it listen on 127.0.0.1, or give it a key of its own (apiKey)");
    }
  }

  /// `rouse check` is often run by root for a service that is not.
  void look_at_user() {
    if (!place_.runs || place_.files->user() != "root") return;
    add(Severity::Warn, "user", "rouse runs as root, and so do all engines",
        "run it as a user of its own, as the unit of the package does");
  }

  const LoadedConfig& loaded_;
  const Config& config_;
  const CheckedPlace& place_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> find_findings(const LoadedConfig& loaded, const CheckedPlace& place) {
  std::vector<Finding> findings = find_command_findings(loaded, *place.files);
  append(find_port_findings(loaded, place.listen), findings);
  append(OtherLook(loaded, place).look(), findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    const auto key = [](const Finding& each) {
      return std::tuple(each.severity == Severity::Warn, each.place.file, each.place.line,
                        each.place.column);
    };
    return key(a) < key(b);
  });
  return findings;
}

}  // namespace rouse
