#include "proxy/check/model_files.hpp"

#include "base/config/environment.hpp"
#include "proxy/check/shell_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace rouse {

namespace {

using Kind = FileFacts::Kind;

/// Of llama-server and its relatives; --model also of vLLM and SGLang.
constexpr std::array<std::string_view, 12> kFileOptions{"-m",
                                                        "--model",
                                                        "-md",
                                                        "--model-draft",
                                                        "-mm",
                                                        "--mmproj",
                                                        "--lora",
                                                        "-mv",
                                                        "--model-vocoder",
                                                        "--chat-template-file",
                                                        "--grammar-file",
                                                        "--model-path"};
/// With one of these the file may be fetched first.
constexpr std::array<std::string_view, 10> kFetchOptions{
    "-hf", "-hfr",        "--hf-repo", "-hff",          "--hf-file",
    "-mu", "--model-url", "-dr",       "--docker-repo", "-hfd"};
constexpr std::array<std::string_view, 14> kElsewhere{
    "docker", "podman", "nerdctl",        "kubectl",    "ssh",         "flatpak", "toolbox",
    "bwrap",  "chroot", "systemd-nspawn", "machinectl", "singularity", "nsenter", "apptainer"};
constexpr std::array<std::string_view, 17> kInterpreters{
    "sh",   "bash", "dash", "ash", "zsh", "fish", "python", "python3", "perl",
    "ruby", "node", "deno", "bun", "uv",  "uvx",  "npx",    "conda"};
constexpr std::array<std::string_view, 9> kFileEnds{
    ".gguf", ".ggml", ".safetensors", ".bin", ".onnx", ".pt", ".pth", ".jinja", ".gbnf"};

bool is_listed(std::string_view text, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// The program, and what it runs where it only prepares the way: env, nice, numactl.
bool any_program_is(const CommandWords& command, std::span<const std::string_view> list) {
  constexpr std::array<std::string_view, 10> kPreparing{
      "env", "nice", "ionice", "taskset", "numactl", "stdbuf", "sudo", "setpriv", "chrt", "time"};
  if (command.words.empty()) return false;
  const std::string_view first = file_name(command.words.front().text);
  if (is_listed(first, list)) return true;
  if (!is_listed(first, kPreparing)) return false;
  return std::any_of(command.words.begin() + 1, command.words.end(), [&](const CommandWord& word) {
    return is_listed(file_name(word.text), list);
  });
}

bool looks_like_file(std::string_view value) {
  const bool has_end = std::any_of(kFileEnds.begin(), kFileEnds.end(),
                                   [value](std::string_view end) { return value.ends_with(end); });
  return value.find("://") == std::string_view::npos &&
         (has_end || value.starts_with('/') || value.starts_with("./") || value.starts_with("../"));
}

std::optional<ModelFileFault> fault_of(std::string_view option, const std::string& path,
                                       const MachineFiles& files) {
  const FileFacts facts = files.look(path);
  const std::string shown = fmt::format("{} {}", option, path);
  const bool is_relative = !path.starts_with('/');
  if (facts.kind == Kind::Missing) {
    const std::string from =
        is_relative ? fmt::format(" in {}, the folder in which rouse was started", files.folder())
                    : std::string();
    return ModelFileFault{fmt::format("{}: there is no such file{}", shown, from),
                          is_relative ? "write its whole path"
                                      : "correct the path, or put the file there; is the disk "
                                        "mounted?"};
  }
  if (facts.kind == Kind::Folder && path.ends_with(".gguf")) {
    return ModelFileFault{fmt::format("{}: is a folder", shown), "name the file in it"};
  }
  if (facts.kind != Kind::Unknown && !facts.may_read) {
    return ModelFileFault{fmt::format("{}: may not be read by {}", shown, files.user()),
                          fmt::format("let {} read it (chmod, chown, or a group)", files.user())};
  }
  return std::nullopt;
}

}  // namespace

bool runs_elsewhere(const CommandWords& command) {
  return any_program_is(command, kElsewhere);
}

bool runs_script(const CommandWords& command, const FoundProgram& program) {
  return program.is_script || any_program_is(command, kInterpreters);
}

std::vector<NamedModelFile> named_model_files(const CommandWords& command) {
  std::vector<NamedModelFile> named;
  const std::vector<CommandWord>& words = command.words;
  const bool fetches = std::any_of(words.begin(), words.end(), [](const CommandWord& word) {
    return is_listed(std::string_view(word.text).substr(0, word.text.find('=')), kFetchOptions);
  });
  if (fetches || runs_elsewhere(command)) return named;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string option = word.substr(0, equals);
    if (!is_listed(option, kFileOptions)) continue;
    const bool is_joined = equals != std::string::npos;
    if (!is_joined && i + 1 == words.size()) continue;
    const CommandWord& holder = is_joined ? words[i] : words[i + 1];
    std::string path = is_joined ? word.substr(equals + 1) : holder.text;
    if (!looks_like_file(path) || wants_shell(holder) || names_variable(path)) continue;
    named.push_back({option, std::move(path)});
  }
  return named;
}

std::vector<ModelFileFault> find_model_file_faults(const CommandWords& command,
                                                   const MachineFiles& files) {
  std::vector<ModelFileFault> faults;
  for (const NamedModelFile& each : named_model_files(command)) {
    if (auto fault = fault_of(each.option, each.path, files)) faults.push_back(std::move(*fault));
  }
  return faults;
}

}  // namespace rouse
