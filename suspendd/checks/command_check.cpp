#include "base/process/run_program.hpp"
#include "base/process/spawn.hpp"
#include "base/text/duration_text.hpp"
#include "suspendd/checks/command_answer.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace rouse::suspendd {
namespace {

class CommandLook final : public Check {
 public:
  CommandLook(const CommandCheck& settings, const CheckConfig& config, CheckContext& context)
      : executor_(context.executor), name_(basename(settings.argv.front())) {
    run_.argv = settings.argv;
    run_.timeout = config.timeout;
    run_.output_max = 16 * 1024;
    run_.keep = true;
    run_.is_there = std::make_shared<bool>(false);
  }

  Task<Finding> look() override {
    // What hangs in the kernel cannot be killed; a second one would hang beside it.
    if (*run_.is_there) {
      co_return unknown(name_ + " could not be killed and is not run again before it is gone");
    }
    ProgramRun run = run_;
    const Result<ProgramEnd> end = co_await run_program(executor_, std::move(run));
    if (!end) co_return unknown(end.error().message());
    co_return judge(*end);
  }

 private:
  [[nodiscard]] Finding judge(const ProgramEnd& end) const {
    if (end.timed_out) {
      return unknown(fmt::format("{} did not end within {}{}", name_, duration_text(run_.timeout),
                                 *run_.is_there ? " and could not be killed" : ""));
    }
    const int status = end.exit_status();
    if (status != 0 && status != 1) {
      const std::string said = last_line(end.output);
      return unknown(
          fmt::format("{} {}{}{}", name_, exit_text(end.status), said.empty() ? "" : ": ", said));
    }
    if (auto answer = json_answer(end.output)) {
      answer->reason = name_ + (answer->reason.empty() ? " says so" : ": " + answer->reason);
      return std::move(*answer);
    }
    const std::string said = last_line(end.output);
    std::string reason = name_ + (said.empty() ? " " + exit_text(end.status) : ": " + said);
    return status == 0 ? active(std::move(reason)) : idle(std::move(reason));
  }

  Executor executor_;
  std::string name_;
  ProgramRun run_;
};

}  // namespace

CheckPtr make_kind(const CommandCheck& settings, const CheckConfig& config, CheckContext& context) {
  if (settings.argv.empty() || settings.argv.front().empty()) {
    return std::make_unique<BrokenCheck>("it names no command");
  }
  return std::make_unique<CommandLook>(settings, config, context);
}

}  // namespace rouse::suspendd
