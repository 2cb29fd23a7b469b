#include "suspendd/gpu/probe_program.hpp"

#include "base/text/json_writer.hpp"
#include "suspendd/gpu/health.hpp"
#include "suspendd/gpu/machine_reader.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

namespace rouse::suspendd {
namespace {

struct Options {
  std::string nvml = "libnvidia-ml.so.1";
  std::string cuda = "libcuda.so.1";
  std::string root;
};

/// Empty: all is well.
std::string parse(const std::vector<std::string>& arguments, Options& options) {
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (i + 1 == arguments.size()) return name + " needs a value";
    if (name == "--nvml") {
      options.nvml = arguments[i + 1];
    } else if (name == "--cuda") {
      options.cuda = arguments[i + 1];
    } else if (name == "--root") {
      options.root = arguments[i + 1];
    } else {
      return "there is no option " + name;
    }
  }
  return {};
}

std::string answer(bool is_ok, std::string_view text) {
  JsonWriter out;
  out.begin_object();
  out.member("ok", is_ok);
  out.member("text", text);
  out.end_object();
  return out.take();
}

bool send(std::string line) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

int run_gpu_probe(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::puts(
        "usage: rouse-suspendd gpu-probe [--nvml LIBRARY] [--cuda LIBRARY] [--root DIR]\n\n"
        "The daemon starts it to ask the GPU driver, which may hang or end whoever asks. Each of "
        "the "
        "lines\nread, self-test and close on standard input is answered by one line of JSON.");
    return 0;
  }
  Options options;
  const std::string wrong = parse(arguments, options);
  if (!wrong.empty()) {
    std::fprintf(stderr, "gpu-probe: %s\n", wrong.c_str());
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "gpu-probe");
  const Root root(options.root);
  MachineReader reader(root, options.nvml);
  std::string command;
  while (std::getline(std::cin, command)) {
    std::string line;
    if (command == "read") {
      line = to_json(reader.read());
    } else if (command == "self-test") {
      const SelfTest test = test_gpus(root, options.nvml, options.cuda);
      line = answer(test.is_ok, test.text);
    } else if (command == "close") {
      reader.close();
      line = answer(true, "closed");
    } else {
      line = answer(false, "there is no command " + command);
    }
    if (!send(std::move(line))) break;
  }
  reader.close();
  // Exit handlers of libraries that hang are not waited for.
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace rouse::suspendd
