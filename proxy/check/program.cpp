#include "proxy/check/program.hpp"

#include "base/process/spawn.hpp"

#include <fmt/format.h>

#include <elf.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>

namespace rouse {

namespace {

using Kind = FileFacts::Kind;

/// Has the first line of a script, of which the kernel reads 256 bytes, and the headers of a
/// binary.
constexpr std::size_t kHeadSize = 4096;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The folders in which a program was looked for: all of them, or how many where that is too long.
std::string folders_of(const std::vector<std::string>& env) {
  constexpr std::size_t kPathShown = 100;
  const std::string path = search_path(env);
  if (path.size() <= kPathShown) return fmt::format("any folder of PATH ({})", path);
  return fmt::format("any of the {} folders of PATH",
                     std::count(path.begin(), path.end(), ':') + 1);
}

/// As a shell takes it.
std::string pasted(const std::string& path) {
  const bool is_plain = std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_./+-@%=:,").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return path;
  std::string quoted = "'";
  for (const char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The words of the #! line of @p head.
std::vector<std::string> shebang(std::string_view head) {
  if (!head.starts_with("#!")) return {};
  std::string_view line = head.substr(2, head.find('\n') - 2);
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) break;
    line.remove_prefix(start);
    const std::size_t end = line.find_first_of(" \t");
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end);
  }
  return words;
}

/// The loader that a 64-bit binary names, as almost all do that are not static; empty: none.
std::string loader_of(std::string_view head) {
  Elf64_Ehdr file{};
  if (head.size() < sizeof file || !head.starts_with(ELFMAG)) return {};
  std::memcpy(&file, head.data(), sizeof file);
  if (file.e_ident[EI_CLASS] != ELFCLASS64 || file.e_phentsize != sizeof(Elf64_Phdr)) return {};
  for (std::size_t i = 0; i < file.e_phnum; ++i) {
    Elf64_Phdr part{};
    const std::size_t at = file.e_phoff + i * sizeof part;
    if (at > head.size() || head.size() - at < sizeof part) return {};
    std::memcpy(&part, head.data() + at, sizeof part);
    if (part.p_type != PT_INTERP) continue;
    if (part.p_offset > head.size() || head.size() - part.p_offset < part.p_filesz) return {};
    const std::string_view name = head.substr(part.p_offset, part.p_filesz);
    return std::string(name.substr(0, name.find('\0')));
  }
  return {};
}

/// Letters from end to end, and so neither a binary nor what a loader of its own understands.
bool is_text(std::string_view head) {
  return !head.empty() && std::all_of(head.begin(), head.end(), [](char c) {
    return c == '\n' || c == '\r' || c == '\t' || (c >= ' ' && c != 0x7f) || (c & 0x80) != 0;
  });
}

/// What `env` of `#!/usr/bin/env python3` will look for; empty: it is not that.
std::string wanted_of_env(const std::vector<std::string>& words) {
  if (words.size() < 2 || !words.front().ends_with("/env")) return {};
  const std::size_t at = words[1] == "-S" ? 2 : 1;
  const bool is_plain =
      at < words.size() && !words[at].starts_with('-') && words[at].find('=') == std::string::npos;
  return is_plain ? words[at] : std::string();
}

bool is_there(const std::string& path, const MachineFiles& files) {
  return files.look(path).kind != Kind::Missing;
}

/// Why the kernel does not run the file @p path, which begins with @p head.
std::optional<ProgramFault> kernel_fault(const std::string& path, std::string_view head,
                                         const MachineFiles& files) {
  if (const std::string loader = loader_of(head); !loader.empty() && !is_there(loader, files)) {
    return ProgramFault{fmt::format("is a binary for {}, which does not exist ({})", loader, path),
                        "install one that was built for this system"};
  }
  const std::vector<std::string> words = shebang(head);
  if (words.empty()) {
    if (head.starts_with("#!") || !is_text(head)) return std::nullopt;
    return ProgramFault{
        fmt::format("is a text without a #! line ({}): the kernel cannot run it", path),
        "write #!/bin/sh into its first line, or sh before it in the command"};
  }
  const std::string& interpreter = words.front();
  if (interpreter.ends_with('\r')) {
    return ProgramFault{
        fmt::format("has lines that end as on Windows ({}): its interpreter is looked for with a "
                    "carriage return in its name",
                    path),
        fmt::format("sed -i 's/\\r$//' {}", pasted(path))};
  }
  if (is_there(interpreter, files)) return std::nullopt;
  return ProgramFault{
      fmt::format("is a script for {}, which does not exist ({})", interpreter, path),
      fmt::format("install {}, or correct the first line", interpreter)};
}

/// What `env` in the first line of the script @p path will not find.
std::optional<ProgramFault> env_fault(const std::string& path, std::string_view head,
                                      const std::vector<std::string>& env,
                                      const MachineFiles& files) {
  const std::string wanted = wanted_of_env(shebang(head));
  if (wanted.empty()) return std::nullopt;
  const std::vector<std::string> places = program_candidates(wanted, env);
  const bool found = std::any_of(places.begin(), places.end(),
                                 [&](const std::string& each) { return is_there(each, files); });
  if (found) return std::nullopt;
  return ProgramFault{
      fmt::format("is a script for {}, which was not found in {}", wanted, folders_of(env)),
      fmt::format("install {}, or correct the first line of {}", wanted, path)};
}

ProgramFault missing(const std::string& program, const std::vector<std::string>& env,
                     const MachineFiles& files) {
  if (program.find('/') == std::string::npos) {
    return {fmt::format("was not found in {}", folders_of(env)),
            "install it, or write its whole path"};
  }
  if (!program.starts_with('/')) {
    return {fmt::format("does not exist in {}: a relative path counts from the folder in which "
                        "rouse was started",
                        files.folder()),
            "write its whole path"};
  }
  const std::string folder = folder_of(program);
  return {is_there(folder, files) ? std::string("does not exist")
                                  : fmt::format("does not exist: there is no folder {}", folder),
          "correct the path, or install it there"};
}

ProgramFault not_runnable(const std::string& path, const FileFacts& facts,
                          const MachineFiles& files) {
  if (facts.kind == Kind::Folder) {
    return {fmt::format("is a folder ({})", path), "name the program in it"};
  }
  if (!facts.has_run_bit) {
    return {fmt::format("may not be run: {} has no x bit", path),
            fmt::format("chmod +x {}", pasted(path))};
  }
  return {
      fmt::format("may not be run by {} ({})", files.user(), path),
      fmt::format("let {} run it (chmod, chown; the folder may be mounted noexec)", files.user())};
}

}  // namespace

FoundProgram find_program(const std::string& program, const std::vector<std::string>& env,
                          const MachineFiles& files) {
  FoundProgram found;
  std::optional<ProgramFault> refused;  // as execvp: it is remembered, and the next one is tried
  bool is_sure = true;
  for (const std::string& path : program_candidates(program, env)) {
    const FileFacts facts = files.look(path);
    if (facts.kind == Kind::Missing) continue;
    if (facts.kind == Kind::Unknown) {
      is_sure = false;
      continue;
    }
    if (facts.kind != Kind::File || !facts.may_run) {
      if (!refused) refused = not_runnable(path, facts, files);
      continue;
    }
    const std::string head = files.head(path, kHeadSize);
    if (std::optional<ProgramFault> fault = kernel_fault(path, head, files)) {
      if (!refused) refused = std::move(fault);
      continue;
    }
    found.path = path;
    found.is_script = head.starts_with("#!");
    found.fault = env_fault(path, head, env, files);
    return found;
  }
  if (!is_sure) return found;
  found.fault = refused ? std::move(*refused) : missing(program, env, files);
  return found;
}

}  // namespace rouse
