#pragma once

#include "base/async/task_group.hpp"
#include "suspendd/gpu/gpu_probe.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace rouse::test {

template <class T>
Task<void> store(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

/// A made-up machine with one NVIDIA GPU, a real helper process, and the make-believe NVML.
class GpuFixture : public testing::Test {
 protected:
  GpuFixture() {
    nvidia_gpu("0000:01:00.0");
    state("");
    ::setenv("FAKE_NVML", state_file().c_str(), 1);
    ::unsetenv("FAKE_CUDA");
    settings_.program = built_program("gpu_probe_program");
    settings_.nvml = built_program("libfake_nvml.so");
    settings_.cuda = built_program("libfake_cuda.so");
    settings_.root = tree_.root().prefix();
    settings_.deadline = std::chrono::seconds(20);
  }

  void nvidia_gpu(const std::string& id) {
    const std::string folder = "/sys/bus/pci/devices/" + id;
    tree_.file(folder + "/class", "0x030000\n");
    tree_.file(folder + "/vendor", "0x10de\n");
    tree_.file(folder + "/power/runtime_status", "active\n");
    tree_.file(folder + "/power/control", "on\n");
    tree_.folder("/sys/bus/pci/drivers/nvidia");
    tree_.link(folder + "/driver", "/sys/bus/pci/drivers/nvidia");
  }
  /// What the library does from now on (see tests/fake_nvml).
  void state(const std::string& text) {
    const std::string next = dir_.write("next", text);
    std::filesystem::rename(next, state_file());
  }
  std::string state_file() const { return dir_ / "state"; }
  std::string calls() const {
    return std::filesystem::exists(state_file() + ".calls") ? read_file(state_file() + ".calls")
                                                            : std::string();
  }
  void process(int pid, const std::string& name, int parent, int group) {
    const std::string folder = "/proc/" + std::to_string(pid);
    tree_.file(folder + "/comm", name + "\n");
    tree_.file(folder + "/stat", std::to_string(pid) + " (" + name + ") S " +
                                     std::to_string(parent) + " " + std::to_string(group) + " 0\n");
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    group_.spawn(store(std::move(task), out));
    io_.restart();
    io_.run();
    return std::move(*out);
  }
  void run(Task<void> task) {
    group_.spawn(std::move(task));
    io_.restart();
    io_.run();
  }

  GeneratedTree tree_;
  TempDir dir_;
  asio::io_context io_{1};
  TaskGroup group_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  suspendd::GpuProbeSettings settings_;
};

}  // namespace rouse::test
