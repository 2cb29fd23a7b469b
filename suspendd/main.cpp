#include "suspendd/cli/commands.hpp"
#include "suspendd/gpu/probe_program.hpp"

#include <string_view>

int main(int argc, char** argv) {
  // The GPU helper is this program, too; it loads what the daemon must not.
  if (argc > 1 && std::string_view(argv[1]) == "gpu-probe") {
    return rouse::suspendd::run_gpu_probe({argv + 2, argv + argc});
  }
  rouse::CommandLine line(rouse::suspendd::suspendd_program());
  rouse::suspendd::add_commands(line);
  return line.run(argc, argv);
}
