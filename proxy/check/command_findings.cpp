#include "proxy/check/command_findings.hpp"

#include "base/config/environment.hpp"
#include "base/config/section.hpp"
#include "base/text/secrets.hpp"
#include "base/text/text_table.hpp"
#include "proxy/check/model_files.hpp"
#include "proxy/check/ports.hpp"
#include "proxy/check/program.hpp"
#include "proxy/check/shell_syntax.hpp"
#include "proxy/config/command_capabilities.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <string_view>

namespace rouse {

namespace {

using Severity = Finding::Severity;

constexpr std::size_t kShown = 40;  // columns of a text in a message

/// The number behind --port; nullopt: there is none, or it is no number.
std::optional<int> port_argument(const CommandWords& command) {
  constexpr std::string_view kOption = "--port";
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    std::string_view text = command.words[i].text;
    if (text == kOption && i + 1 < command.words.size()) {
      text = command.words[i + 1].text;
    } else if (text.starts_with("--port=")) {
      text.remove_prefix(kOption.size() + 1);
    } else {
      continue;
    }
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error == std::errc{} && end == text.data() + text.size()) return port;
  }
  return std::nullopt;
}

/// Looks at one command of one model, and adds what it finds.
class CommandLook {
 public:
  CommandLook(const ModelConfig& model, const std::string& key, const std::string& text,
              const LoadedConfig& loaded, const MachineFiles& files, std::vector<Finding>& findings)
      : model_(model),
        is_stop_(key == "cmdStop"),
        title_("models." + model.id + "." + key),
        command_(read_command(text)),
        places_(loaded.places),
        files_(files),
        findings_(findings) {
    if (const auto it = places_.find(title_); it != places_.end()) place_ = it->second;
  }

  void look() {
    if (command_.words.empty()) return;
    const CommandWord& first = command_.words.front();
    FoundProgram program;
    const bool names_program = !begins_in_shell(command_) && !wants_shell(first) &&
                               !names_variable(first.text) && !first.text.empty();
    if (names_program) program = look_at_program();
    if (command_.open_quote != 0) return look_at_quote();
    for (const ShellSyntax& each : find_shell_syntax(command_)) {
      add(each.fatal, each.what, each.todo);
    }
    if (is_stop_) return;
    const bool is_sure = !runs_script(command_, program);
    for (const ModelFileFault& each : find_model_file_faults(command_, files_)) {
      add(is_sure, each.what, each.todo);
    }
    look_at_port(is_sure);
    look_at_context();
  }

 private:
  /// What a command to stop cannot do, SIGTERM does: no more than a warning.
  void add(bool fatal, std::string what, std::string todo) {
    std::vector<std::string> secrets = secret_values(model_.argv);
    for (std::string& each : secret_values(model_.env)) secrets.push_back(std::move(each));
    findings_.push_back({fatal && !is_stop_ ? Severity::Refuse : Severity::Warn, place_, title_,
                         hide_values(std::move(what), secrets),
                         hide_values(std::move(todo), secrets)});
  }

  FoundProgram look_at_program() {
    const std::string& name = command_.words.front().text;
    FoundProgram program = find_program(name, model_.env, files_);
    const bool is_relative = name.find('/') != std::string::npos && !name.starts_with('/');
    if (program.fault) {
      add(true,
          fmt::format("program {} {}{}", name, program.fault->what,
                      is_stop_ ? "; SIGTERM is sent instead" : ""),
          program.fault->todo);
    } else if (is_relative && !program.path.empty()) {
      add(false,
          fmt::format("{} counts from the folder in which rouse was started, here {}: a service "
                      "starts in another",
                      name, files_.folder()),
          "write its whole path");
    }
    return program;
  }

  void look_at_quote() {
    add(true,
        fmt::format("a {} is never closed: all that follows it is one argument, {}",
                    command_.open_quote == '"' ? "double quote" : "single quote",
                    cut_text(trimmed(one_line(command_.words.back().text)), kShown)),
        fmt::format("close it, or write \\{} for the sign itself", command_.open_quote));
  }

  void look_at_port(bool is_sure) {
    const std::optional<int> port = port_argument(command_);
    const Endpoint& endpoint = model_.endpoint;
    if (!port || !is_here(endpoint) || *port == endpoint.port || runs_elsewhere(command_)) return;
    add(is_sure,
        fmt::format("the command says --port {}, and rouse looks for the engine at {} (proxy): it "
                    "would never be ready",
                    *port, endpoint.authority()),
        model_.port ? fmt::format("write --port ${{PORT}}, or proxy: http://localhost:{}", *port)
                    : fmt::format("write proxy: http://localhost:{}, or --port ${{PORT}} and no "
                                  "proxy",
                                  *port));
  }

  /// Who believes a context that is too large loses the beginning of a talk, or gets errors.
  void look_at_context() {
    const CommandCapabilities command = read_command_capabilities(model_);
    const int given = command.can.context;
    const int typed = model_.capabilities.context;
    // llama-server rounds up to a multiple of 256.
    if (!model_.may_ask_capabilities || given == 0 || typed <= (given + 255) / 256 * 256) return;
    const std::string title = "models." + model_.id + ".capabilities.context";
    SourcePlace place;
    if (const auto it = places_.find(title); it != places_.end()) place = it->second;
    findings_.push_back({Severity::Warn, place, title,
                         fmt::format("says {}, and the command has {}: clients are promised more "
                                     "than a request can have",
                                     typed, command.context_from),
                         "leave it out: the engine says what it has"});
  }

  const ModelConfig& model_;
  const bool is_stop_;
  const std::string title_;
  const CommandWords command_;
  const std::map<std::string, SourcePlace>& places_;
  const MachineFiles& files_;
  std::vector<Finding>& findings_;
  SourcePlace place_;
};

}  // namespace

std::vector<Finding> find_command_findings(const LoadedConfig& loaded, const MachineFiles& files) {
  std::vector<Finding> findings;
  for (const auto& [id, model] : loaded.config->models) {
    CommandLook(model, "cmd", model.cmd, loaded, files, findings).look();
    CommandLook(model, "cmdStop", model.cmd_stop, loaded, files, findings).look();
  }
  return findings;
}

std::string program_obstacle(const ModelConfig& model, const MachineFiles& files) {
  if (model.argv.empty()) return {};
  const FoundProgram program = find_program(model.argv.front(), model.env, files);
  if (!program.fault) return {};
  return fmt::format("program {} of model {} {}: {}", model.argv.front(), model.id,
                     program.fault->what, program.fault->todo);
}

std::string start_obstacle(const ModelConfig& model, const MachineFiles& files) {
  std::string obstacle = program_obstacle(model, files);
  if (!obstacle.empty() || model.argv.empty()) return obstacle;
  const CommandWords command = read_command(model.cmd);
  const FoundProgram program = find_program(model.argv.front(), model.env, files);
  // A script may fetch them, or mean another place.
  if (command.open_quote != 0 || runs_script(command, program)) return {};
  const std::vector<ModelFileFault> faults = find_model_file_faults(command, files);
  if (faults.empty()) return {};
  return fmt::format("model {} cannot be loaded: {}: {}", model.id, faults.front().what,
                     faults.front().todo);
}

}  // namespace rouse
