#include "base/text/ascii.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/stamp_ages.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace rouse::suspendd {
namespace {

/// tty0 is whichever console is in front, and as old as that one; `tty` is everybody's own.
bool is_terminal(std::string_view name) {
  if (name == "tty0") return false;
  if (name.starts_with("hvc")) return true;
  return name.starts_with("tty") && name.size() > 3 && name != "ttyprintk";
}

/// The access time of a terminal's file says when its program last read input, to about 8 s; what
/// is written to it leaves that alone (drivers/tty/tty_io.c, tty_update_time).
class TtyLook final : public Check {
 public:
  TtyLook(const TtyCheck& settings, CheckContext& context)
      : settings_(settings), context_(context) {}

  Task<Finding> look() override { co_return judge(); }

 private:
  Finding judge() {
    find_fixed();
    ages_.begin(context_.now(), context_.wall());
    for (const std::string& name : fixed_) add(name);
    for (const std::string& name : context_.root.list("/dev/pts")) {
      if (is_digits(name)) add("pts/" + name);
    }
    ages_.end();
    if (ages_.is_empty()) {
      return context_.root.exists("/dev") ? idle("there is no terminal")
                                          : unknown("there is no /dev to look for terminals in");
    }
    const auto youngest = ages_.youngest();
    if (youngest.age < settings_.idle) {
      return active(fmt::format("{} got input {} ago, less than {}", youngest.name,
                                age_text(youngest.age), age_text(settings_.idle)));
    }
    Finding finding = idle(fmt::format("no terminal got input for {} ({} was the last)",
                                       age_text(youngest.age), youngest.name));
    finding.idle_for = youngest.age;
    return finding;
  }

  /// Consoles and serial lines: looked for again only when /dev has changed.
  void find_fixed() {
    struct stat status {};
    if (::stat(context_.root.path("/dev").c_str(), &status) != 0) {
      fixed_.clear();
      return;
    }
    const auto changed = stamp_of(status.st_mtim);
    if (changed == dev_changed_) return;
    dev_changed_ = changed;
    fixed_.clear();
    for (std::string& name : context_.root.list("/dev")) {
      if (is_terminal(name)) fixed_.push_back(std::move(name));
    }
  }

  void add(const std::string& name) {
    struct stat status {};
    if (::stat(context_.root.path("/dev/" + name).c_str(), &status) != 0) return;
    if (S_ISCHR(status.st_mode) || !context_.root.prefix().empty()) {
      ages_.add(name, stamp_of(status.st_atim));
    }
  }

  static std::int64_t stamp_of(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }

  TtyCheck settings_;
  CheckContext& context_;
  StampAges ages_;
  std::int64_t dev_changed_ = -1;
  std::vector<std::string> fixed_;
};

}  // namespace

CheckPtr make_kind(const TtyCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<TtyLook>(settings, context);
}

}  // namespace rouse::suspendd
