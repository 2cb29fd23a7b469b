#include "proxy/check/program.hpp"

#include "base/process/spawn.hpp"
#include "tests/proxy/check/fake_files.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace rouse {
namespace {

/// Our own PATH, until the end of the test.
class OurPath {
 public:
  explicit OurPath(const char* path) : before_(std::getenv("PATH")) { ::setenv("PATH", path, 1); }
  ~OurPath() { ::setenv("PATH", before_.c_str(), 1); }
  OurPath(const OurPath&) = delete;
  OurPath& operator=(const OurPath&) = delete;

 private:
  std::string before_;
};

std::string fault_of(const std::string& program, const FakeFiles& files,
                     const std::vector<std::string>& env = {"PATH=/a:/b"}) {
  const FoundProgram found = find_program(program, env, files);
  return found.fault ? found.fault->what + " -> " + found.fault->todo : "none";
}

TEST(FindProgram, LooksWhereSpawnDoes) {
  FakeFiles files;
  files.program("/b/x").program("/opt/y");
  EXPECT_EQ(find_program("x", {"PATH=/nope", "PATH=/a:/b"}, files).path, "/b/x");
  EXPECT_EQ(find_program("/opt/y", {}, files).path, "/opt/y");
  const OurPath ours("/usr/bin");
  EXPECT_EQ(fault_of("x", files, {"PATH=/a"}),
            "was not found in any folder of PATH (/a:/usr/bin) -> install it, or write its whole "
            "path");
  const std::string many = "PATH=" + std::string(100, ':');
  EXPECT_THAT(fault_of("x", files, {many}),
              testing::StartsWith("was not found in any of the 102 folders of PATH -> "));
  // The engine's own PATH comes first, and ours stays.
  EXPECT_THAT(program_candidates("x", {"PATH=/a::/b/c"}),
              testing::IsSupersetOf({"/a/x", "./x", "/b/c/x"}));
  EXPECT_EQ(program_candidates("x", {"PATH=/a"}).front(), "/a/x");
  EXPECT_GT(program_candidates("x", {"PATH=/a"}).size(), 1U);
  EXPECT_THAT(program_candidates("./x", {"PATH=/a"}), testing::ElementsAre("./x"));
}

TEST(FindProgram, SaysWhatIsWrong) {
  FakeFiles files;
  files.folder("/opt").folder("/opt/llama").file("/opt/run.sh", "#!/bin/sh\n");
  files.put("/opt/private", {FileFacts::Kind::File, false, false, true}, {});
  files.program("/bin/sh").program("/usr/bin/env");
  files.program("/opt/gone.sh", "#!/usr/bin/python9 -u\n");
  files.program("/opt/env.sh", "#!/usr/bin/env python9\n");
  files.program("/opt/env_s.sh", "#!/usr/bin/env -S python9 -u\n");
  files.program("/opt/dos.sh", "#!/bin/sh\r\necho\r\n").program("/opt/bare.sh", "echo hello\n");
  files.program("/opt/good.sh", "#! /bin/sh\nexec x\n").program("/opt/elf");
  EXPECT_EQ(fault_of("/opt/x", files), "does not exist -> correct the path, or install it there");
  EXPECT_EQ(fault_of("/nope/x", files),
            "does not exist: there is no folder /nope -> correct the path, or install it there");
  EXPECT_EQ(fault_of("bin/x", files),
            "does not exist in /here: a relative path counts from the folder in which rouse was "
            "started -> write its whole path");
  EXPECT_EQ(fault_of("/opt/llama", files), "is a folder (/opt/llama) -> name the program in it");
  EXPECT_EQ(fault_of("/opt/run.sh", files),
            "may not be run: /opt/run.sh has no x bit -> chmod +x /opt/run.sh");
  EXPECT_EQ(fault_of("/opt/private", files),
            "may not be run by rouse (/opt/private) -> let rouse run it (chmod, chown; the folder "
            "may be mounted noexec)");
  EXPECT_EQ(fault_of("/opt/gone.sh", files),
            "is a script for /usr/bin/python9, which does not exist (/opt/gone.sh) -> install "
            "/usr/bin/python9, or correct the first line");
  EXPECT_THAT(fault_of("/opt/env.sh", files),
              testing::StartsWith("is a script for python9, which was not found in any "));
  EXPECT_THAT(fault_of("/opt/env_s.sh", files),
              testing::StartsWith("is a script for python9, which was not found in any "));
  EXPECT_EQ(fault_of("/opt/dos.sh", files),
            "has lines that end as on Windows (/opt/dos.sh): its interpreter is looked for with a "
            "carriage return in its name -> sed -i 's/\\r$//' /opt/dos.sh");
  EXPECT_EQ(fault_of("/opt/bare.sh", files),
            "is a text without a #! line (/opt/bare.sh): the kernel cannot run it -> write "
            "#!/bin/sh into its first line, or sh before it in the command");
  EXPECT_EQ(fault_of("/opt/good.sh", files), "none");
  EXPECT_EQ(fault_of("/opt/elf", files), "none");
  // As execvp: what cannot be run does not hide what can.
  files.program("/a/twice", "#!/no\n").program("/b/twice");
  EXPECT_EQ(find_program("twice", {"PATH=/a:/b"}, files).path, "/b/twice");
  files.folder("/a/never").file("/b/never");
  EXPECT_EQ(fault_of("never", files), "is a folder (/a/never) -> name the program in it")
      << "the first reason is told";
  EXPECT_TRUE(find_program("/opt/good.sh", {}, files).is_script);
  EXPECT_FALSE(find_program("/opt/elf", {}, files).is_script);
  EXPECT_FALSE(find_program("x", {}, unseen_files()).fault.has_value());
}

struct Tried {
  const char* name;
  const char* content;
  mode_t mode;
};

/// The one fact that matters: what is said to be wrong cannot be started, and the other way round.
TEST(FindProgram, AgreesWithTheKernel) {
  const test::TempDir dir;
  for (const Tried& each :
       {Tried{"good", "#!/bin/sh\nexit 0\n", 0755}, Tried{"plain", "#!/bin/sh\nexit 0\n", 0644},
        Tried{"gone", "#!/no/such/interpreter\n", 0755},
        Tried{"dos", "#!/bin/sh\r\nexit 0\r\n", 0755}, Tried{"bare", "echo hello\n", 0755}}) {
    std::ofstream(dir / each.name) << each.content;
    ::chmod((dir / each.name).c_str(), each.mode);
  }
  ::mkdir((dir / "folder").c_str(), 0755);
  std::string binary = test::read_file("/bin/sh");
  std::ofstream(dir / "binary") << binary;
  const std::size_t loader = binary.find("/ld-linux");
  ASSERT_NE(loader, std::string::npos);
  binary[loader + 1] = 'X';
  std::ofstream(dir / "unloadable") << binary;
  for (const char* const name : {"binary", "unloadable"}) ::chmod((dir / name).c_str(), 0755);
  const std::vector<std::string> env{"PATH=" + dir.path().string()};
  for (const char* const name :
       {"good", "plain", "gone", "dos", "bare", "folder", "none", "binary", "unloadable"}) {
    for (const std::string& program : {std::string(name), std::string(dir / name)}) {
      const Result<Spawned> spawned = spawn({program}, env);
      EXPECT_EQ(find_program(program, env, real_files()).fault.has_value(), !spawned) << program;
      if (!spawned) continue;
      ::kill(-spawned->pid, SIGKILL);
      reap(spawned->pid);
    }
  }
  EXPECT_THAT(
      find_program(dir / "unloadable", {}, real_files()).fault->what,
      testing::AllOf(
          testing::StartsWith("is a binary for /"), testing::HasSubstr("/Xd-linux"),
          testing::EndsWith(", which does not exist (" + std::string(dir / "unloadable") + ")")));
}

TEST(FindProgram, WhatItSaysToDoHelps) {
  const test::TempDir dir;
  for (const Tried& each : {Tried{"it's plain", "#!/bin/sh\nexit 0\n", 0644},
                            Tried{"dos", "#!/bin/sh\r\nexit 0\r\n", 0755}}) {
    const std::string path = dir.write(each.name, each.content);
    ::chmod(path.c_str(), each.mode);
    const FoundProgram found = find_program(path, {}, real_files());
    ASSERT_TRUE(found.fault.has_value()) << path;
    const auto [status, output] = test::run_program({"/bin/sh", "-c", found.fault->todo});
    EXPECT_EQ(status, 0) << found.fault->todo << ": " << output;
    EXPECT_FALSE(find_program(path, {}, real_files()).fault.has_value()) << path;
    EXPECT_EQ(test::run_program({path}).first, 0);
  }
}

}  // namespace
}  // namespace rouse
