#include "proxy/engine/registry.hpp"

#include "base/async/use_task.hpp"
#include "base/service/private_files.hpp"
#include "proxy/engine/cgroup.hpp"
#include "proxy/engine/process_tree.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace rouse {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSuffix = ".engines";
constexpr std::string_view kCgroupPrefix = "rouse-";

/// A process for good: pids come again, start times do not.
struct Identity {
  int pid = 0;
  std::uint64_t start_time = 0;

  [[nodiscard]] bool is_alive() const {
    const auto stat = read_process(pid);
    return stat && stat->start_time == start_time && stat->state != 'Z';
  }
};

struct Record {
  Identity process;
  std::string model;
};

/// What one proxy wrote: who it was, and which engines it ran.
struct Journal {
  std::string boot;
  Identity proxy;
  std::vector<Record> engines;
};

// One line each: "boot ID", "proxy PID START", "engine PID START MODEL".
Journal read_journal(const std::filesystem::path& path) {
  Journal journal;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "boot") {
      words >> journal.boot;
    } else if (kind == "proxy") {
      words >> journal.proxy.pid >> journal.proxy.start_time;
    } else if (kind == "engine") {
      Record record;
      words >> record.process.pid >> record.process.start_time;
      std::getline(words >> std::ws, record.model);
      if (record.process.pid > 1) journal.engines.push_back(record);
    }
  }
  return journal;
}

/// Who made the cgroup @p name, "rouse-PID-STARTTIME-N".
Identity proxy_of_cgroup(std::string_view name) {
  Identity proxy;
  name.remove_prefix(kCgroupPrefix.size());
  std::from_chars(name.data(), name.data() + name.size(), proxy.pid);
  name.remove_prefix(std::min(name.find('-'), name.size() - 1) + 1);
  std::from_chars(name.data(), name.data() + name.size(), proxy.start_time);
  return proxy;
}

}  // namespace

struct EngineRegistry::Impl {
  std::filesystem::path dir;
  std::string instance;
  std::map<int, Record> engines;
  std::uint64_t next_cgroup = 1;
  bool told = false;
  bool is_hurried = false;

  [[nodiscard]] std::filesystem::path file() const {
    return dir / (instance + std::string(kSuffix));
  }

  /// Replaced as a whole by a rename, so that a kill at any moment leaves an old or a new one.
  void write() {
    if (dir.empty()) return;
    const auto self = read_process(::getpid());
    std::string text =
        fmt::format("boot {}\nproxy {} {}\n", boot_id(), ::getpid(), self ? self->start_time : 0);
    for (const auto& [pid, record] : engines) {
      text += fmt::format("engine {} {} {}\n", pid, record.process.start_time, record.model);
    }
    Result<void> written = make_private_folder(dir);
    if (written) written = write_private_file(file(), text);
    if (!written && !std::exchange(told, true)) {
      spdlog::warn(
          "engines cannot be remembered in {}: {}; if rouse is killed, what a double fork "
          "hides from the kernel's help will not be found",
          dir.string(), written.error().code.message());
    }
  }

  void collect(const std::filesystem::path& path, std::map<int, std::string>& orphans,
               std::set<std::string>& dead_instances) const;
};

/// Adds what the proxy that wrote @p path left behind, unless it still runs.
void EngineRegistry::Impl::collect(const std::filesystem::path& path,
                                   std::map<int, std::string>& orphans,
                                   std::set<std::string>& dead_instances) const {
  const Journal journal = read_journal(path);
  const bool this_boot = journal.boot == boot_id();
  if (this_boot && journal.proxy.is_alive()) return;
  if (this_boot) {
    dead_instances.insert(path.stem().string());
    for (const Record& record : journal.engines) {
      if (!record.process.is_alive()) continue;
      for (const int pid :
           engine_processes(all_processes(), record.process.pid, record.process.pid, {})) {
        orphans.emplace(pid, record.model);
      }
    }
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

EngineRegistry::EngineRegistry(std::filesystem::path state_dir) : impl_(std::make_unique<Impl>()) {
  impl_->dir = std::move(state_dir);
  const auto self = read_process(::getpid());
  impl_->instance = fmt::format("{}-{}", ::getpid(), self ? self->start_time : 0);
}

EngineRegistry::~EngineRegistry() {
  if (impl_->dir.empty() || !impl_->engines.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(impl_->file(), ignored);
}

const std::string& EngineRegistry::instance() const {
  return impl_->instance;
}

std::string EngineRegistry::new_cgroup_name() {
  return fmt::format("{}{}-{}", kCgroupPrefix, impl_->instance, impl_->next_cgroup++);
}

void EngineRegistry::add(int pid, const std::string& model) {
  const auto stat = read_process(pid);
  impl_->engines[pid] = {{pid, stat ? stat->start_time : 0}, model};
  impl_->write();
}

void EngineRegistry::remove(int pid) {
  impl_->engines.erase(pid);
  impl_->write();
}

void EngineRegistry::hurry() {
  impl_->is_hurried = true;
}

/// Adds the processes that carry the mark of one of @p instances.
void add_marked(const std::set<std::string>& instances, std::map<int, std::string>& orphans) {
  if (instances.empty()) return;
  for (const ProcessStat& each : all_processes()) {
    const auto mark = environment_of(each.pid, kEngineMarker);
    if (!mark || each.state == 'Z') continue;
    const std::size_t colon = mark->find(':');
    if (colon == std::string::npos || !instances.contains(mark->substr(0, colon))) continue;
    orphans.emplace(each.pid, mark->substr(colon + 1));
  }
}

Task<std::vector<EngineRegistry::Orphan>> EngineRegistry::sweep_orphans(
    std::chrono::milliseconds grace) {
  std::map<int, std::string> orphans;
  std::set<std::string> dead_instances;
  std::error_code error;
  if (!impl_->dir.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(impl_->dir, error)) {
      if (entry.path().extension() != kSuffix || entry.path() == impl_->file()) continue;
      impl_->collect(entry.path(), orphans, dead_instances);
    }
  }
  std::vector<std::string> stray_paths;
  for (const StrayCgroup& stray : stray_cgroups(kCgroupPrefix)) {
    if (proxy_of_cgroup(stray.name).is_alive()) continue;
    for (const int pid : cgroup_processes(stray.path)) orphans.emplace(pid, "a model");
    stray_paths.push_back(stray.path);
  }
  // From here on whoever kills us leaves a name to look for, even before the first engine is known.
  impl_->write();
  std::vector<Orphan> found;
  std::map<int, Identity> ending;
  const auto kill_at = std::chrono::steady_clock::now() + grace;
  const auto give_up_at = kill_at + 5s;
  const auto executor = co_await asio::this_coro::executor;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer(executor);
  for (bool killed = false;;) {
    const bool was_quiet = ending.empty();
    // Again and again: what was about to fork when we looked has forked since.
    add_marked(dead_instances, orphans);
    for (const auto& [pid, model] : std::exchange(orphans, {})) {
      const auto stat = read_process(pid);
      if (!stat || stat->state == 'Z' || ending.contains(pid)) continue;
      found.push_back({pid, model});
      ending[pid] = {pid, stat->start_time};
      ::kill(pid, killed ? SIGKILL : SIGTERM);
    }
    std::erase_if(ending, [](const auto& each) { return !each.second.is_alive(); });
    const auto now = std::chrono::steady_clock::now();
    if ((was_quiet && ending.empty()) || now >= give_up_at) break;
    if (!killed && (now >= kill_at || impl_->is_hurried)) {
      for (const auto& [pid, identity] : ending) ::kill(pid, SIGKILL);
      killed = true;
    }
    timer.expires_after(10ms);
    co_await timer.async_wait(use_task);
  }
  for (const std::string& path : stray_paths) remove_cgroup(path);
  co_return found;
}

}  // namespace rouse
