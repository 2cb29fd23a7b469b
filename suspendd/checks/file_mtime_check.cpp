#include "base/async/hangable_call.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/stamp_ages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <glob.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rouse::suspendd {
namespace {

struct FoundFile {
  std::string path;
  std::int64_t stamp = 0;
};
struct FoundFiles {
  std::vector<FoundFile> files;
  std::string error;  ///< the first that was met
};

/// Why glob() stopped: it hands over no pointer of ours. One thread at a time has it.
thread_local std::string* glob_error = nullptr;

int on_glob_error(const char* path, int error) {
  // A folder that is missing, or a file in its place, is no match.
  if (error == ENOENT || error == ENOTDIR) return 0;
  if (glob_error->empty()) *glob_error = fmt::format("reading {}: {}", path, ::strerror(error));
  return 0;
}

/// Blocks where the file system does: a server that is gone holds it for ever.
FoundFiles find_files(const std::vector<std::string>& patterns) {
  FoundFiles found;
  glob_error = &found.error;
  for (const std::string& pattern : patterns) {
    glob_t matches{};
    const int result = ::glob(pattern.c_str(), GLOB_NOSORT, &on_glob_error, &matches);
    if (result == GLOB_NOSPACE && found.error.empty()) found.error = pattern + " matches too much";
    for (std::size_t i = 0; result == 0 && i < matches.gl_pathc; ++i) {
      struct stat status {};
      const char* const path = matches.gl_pathv[i];
      if (::stat(path, &status) == 0) {
        found.files.push_back(FoundFile{
            path, std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec});
      } else if (errno != ENOENT && found.error.empty()) {
        found.error = fmt::format("looking at {}: {}", path, ::strerror(errno));
      }
    }
    ::globfree(&matches);
  }
  glob_error = nullptr;
  return found;
}

class FileMtimeLook final : public Check {
 public:
  FileMtimeLook(const FileMtimeCheck& settings, CheckContext& context)
      : settings_(settings), context_(context), call_(context.executor) {
    for (const std::string& each : settings.paths) patterns_.push_back(context.root.path(each));
  }

  Task<Finding> look() override {
    if (call_.is_away()) co_return unknown(hung() + ", and is not asked again");
    std::function<FoundFiles()> job = [patterns = patterns_] { return find_files(patterns); };
    const std::optional<FoundFiles> found = co_await call_.ask(std::move(job));
    if (!found) co_return unknown(hung());
    co_return judge(*found);
  }

 private:
  [[nodiscard]] std::string hung() const {
    return fmt::format("the file system of {} does not answer", fmt::join(settings_.paths, ", "));
  }

  Finding judge(const FoundFiles& found) {
    ages_.begin(context_.now(), context_.wall());
    const std::size_t skip = context_.root.prefix().size();
    for (const FoundFile& each : found.files) ages_.add(each.path.substr(skip), each.stamp);
    ages_.end();
    if (ages_.is_empty()) {
      if (!found.error.empty()) return unknown(found.error);
      return idle(fmt::format("there is no file {}", fmt::join(settings_.paths, ", ")));
    }
    const auto youngest = ages_.youngest();
    const std::string name = excerpt(youngest.name);
    if (youngest.age < settings_.idle) {
      return active(fmt::format("{} changed {} ago, less than {}", name, age_text(youngest.age),
                                age_text(settings_.idle)));
    }
    if (!found.error.empty()) return unknown(found.error);
    Finding finding =
        idle(fmt::format("nothing changed for {} ({} was the last)", age_text(youngest.age), name));
    finding.idle_for = youngest.age;
    return finding;
  }

  FileMtimeCheck settings_;
  CheckContext& context_;
  std::vector<std::string> patterns_;
  StampAges ages_;
  HangableCall call_;
};

}  // namespace

CheckPtr make_kind(const FileMtimeCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<FileMtimeLook>(settings, context);
}

}  // namespace rouse::suspendd
