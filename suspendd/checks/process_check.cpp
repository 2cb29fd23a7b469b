#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/process_list.hpp"
#include "suspendd/checks/rate_window.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <re2/re2.h>
#include <set>
#include <string>
#include <string_view>

namespace rouse::suspendd {
namespace {

/// A process that did not match is looked at again after so many looks: it may have become another
/// program. A new one is looked at again at once: it may have been seen before its exec.
constexpr unsigned kTurns = 6;
constexpr int kNew = 2;  ///< looks
constexpr std::chrono::milliseconds kOver{60'000};

class ProcessLook final : public Check {
 public:
  ProcessLook(const ProcessCheck& settings, CheckContext& context, std::unique_ptr<RE2> pattern)
      : settings_(settings), context_(context), pattern_(std::move(pattern)), used_(kOver) {}

  Task<Finding> look() override { co_return judge(); }

 private:
  struct Known {
    bool wanted = false;
    bool measured = false;  ///< start_time and ticks are of an earlier look
    bool seen = true;
    int looks = 0;
    std::string name;
    std::uint64_t start_time = 0;
    std::uint64_t ticks = 0;
  };

  Finding judge() {
    const std::vector<int> pids = process_ids(context_.root);
    if (pids.empty()) return unknown("/proc shows no process");
    // The first process is always there; where we do not see it, others may be hidden as well.
    if (process_comm(context_.root, 1).empty()) {
      return unknown("/proc hides the processes of other users (hidepid)");
    }
    const bool is_first = turn_ == 0;
    ++turn_;
    for (auto& [pid, known] : known_) known.seen = false;
    for (const int pid : pids) {
      if (pid != own_pid_) look_at(pid, is_first);
    }
    std::erase_if(known_, [](const auto& each) { return !each.second.seen; });
    return settings_.cores > 0 ? by_use() : by_presence();
  }

  void look_at(int pid, bool is_first) {
    const auto [it, is_new] = known_.try_emplace(pid);
    Known& known = it->second;
    known.seen = true;
    const bool has_turn = (static_cast<unsigned>(pid) + turn_) % kTurns == 0;
    if (known.looks >= kNew && !known.wanted && !has_turn) return;
    known.looks = std::min(known.looks + 1, kNew);
    known.wanted = is_wanted(pid, known.name);
    if (!known.wanted) return;
    const auto stat = read_process(context_.root, pid);
    if (!stat || stat->state == 'Z' || stat->state == 'X') {
      known.wanted = false;
      return;
    }
    if (known.measured && known.start_time == stat->start_time) {
      total_ticks_ += stat->ticks - std::min(stat->ticks, known.ticks);
    } else if (is_new && !is_first) {
      total_ticks_ += stat->ticks;  // it began since the last look, and used all of it since then
    }
    known.measured = true;
    known.start_time = stat->start_time;
    known.ticks = stat->ticks;
  }

  bool is_wanted(int pid, std::string& name) const {
    name = process_comm(context_.root, pid);
    const auto& names = settings_.names;
    const auto has = [&names](std::string_view each) {
      return std::find(names.begin(), names.end(), each) != names.end();
    };
    if (has(name)) return true;
    const std::vector<std::string> words = process_command(context_.root, pid);
    if (words.empty()) return false;  // a kernel thread, or gone
    const std::string_view program = basename(words.front());
    if (!program.empty() && has(program)) {
      name = program;
      return true;
    }
    return pattern_ != nullptr &&
           RE2::PartialMatch(fmt::format("{}", fmt::join(words, " ")), *pattern_);
  }

  [[nodiscard]] std::string who() const {
    std::string text;
    std::size_t count = 0;
    for (const auto& [pid, known] : known_) {
      if (known.wanted && ++count == 1) text = fmt::format("{} (pid {})", excerpt(known.name), pid);
    }
    return count > 1 ? fmt::format("{} and {} more", text, count - 1) : text;
  }

  [[nodiscard]] std::string wanted_text() const {
    std::string text = fmt::format("{}", fmt::join(settings_.names, ", "));
    if (pattern_ != nullptr) text += (text.empty() ? "" : ", ") + ("/" + settings_.command + "/");
    return text;
  }

  [[nodiscard]] Finding by_presence() const {
    const std::string text = who();
    if (text.empty()) return idle("no process is " + wanted_text());
    return active(text + " is there");
  }

  Finding by_use() {
    static const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    if (!since_) since_ = context_.wall();
    used_.add(context_.now(), total_ticks_);
    const std::string text = who();
    if (text.empty()) return idle("no process is " + wanted_text());
    const auto rate = used_.rate();
    if (!rate) return unknown("measuring since " + clock_text(*since_));
    const double cores = rate->per_second / ticks_per_second;
    const bool is_busy = cores >= settings_.cores;
    std::string reason =
        fmt::format("{} used {:.2f} of a core over {}, {} {:g}", text, cores, age_text(rate->over),
                    is_busy ? "at or above" : "below", settings_.cores);
    return is_busy ? active(std::move(reason)) : idle(std::move(reason));
  }

  ProcessCheck settings_;
  CheckContext& context_;
  std::unique_ptr<RE2> pattern_;
  int own_pid_ = ::getpid();
  unsigned turn_ = 0;
  std::map<int, Known> known_;
  std::uint64_t total_ticks_ = 0;
  RateWindow used_;
  std::optional<std::chrono::system_clock::time_point> since_;
};

}  // namespace

CheckPtr make_kind(const ProcessCheck& settings, const CheckConfig&, CheckContext& context) {
  // An empty list must not mean "any process".
  if (settings.names.empty() && settings.command.empty()) {
    return std::make_unique<BrokenCheck>("it names no process to look for");
  }
  std::unique_ptr<RE2> pattern;
  if (!settings.command.empty()) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_encoding(RE2::Options::EncodingLatin1);  // a command line is bytes
    pattern = std::make_unique<RE2>(settings.command, options);
    if (!pattern->ok()) {
      return std::make_unique<BrokenCheck>("the pattern \"" + settings.command +
                                           "\" is not valid: " + pattern->error());
    }
  }
  return std::make_unique<ProcessLook>(settings, context, std::move(pattern));
}

}  // namespace rouse::suspendd
