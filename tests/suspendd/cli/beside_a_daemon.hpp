#pragma once

#include "suspendd/cli/commands.hpp"
#include "tests/suspendd/generated_tree.hpp"
#include "tests/suspendd/scripted_proxy.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace rouse::test {

/// A command beside a daemon that answers as the test says, on a thread of its own: the command has
/// the loop of this one.
class BesideADaemon : public testing::Test {
 protected:
  BesideADaemon() {
    options_.socket = daemon_.socket();
    options_.config_file = dir_.write("suspendd.yaml", "{}\n");
    options_.root = tree_.at("");
  }
  void TearDown() override {
    daemon_.stop();
    group_.cancel(asio::cancellation_type::terminal);
    while (group_.size() > 0) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
  }

  /// The exit status of @p command; what it prints is in out_ and err_.
  int run(const std::function<int()>& command) {
    std::atomic<bool> is_over{false};
    std::thread server([&] {
      while (!is_over) {
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds(5));
      }
    });
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = command();
    is_over = true;
    server.join();
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return status;
  }

  /// The same of the command line that begins with @p words.
  int type(std::vector<std::string> words) {
    words.insert(words.begin(), {"rouse-suspendd", "--socket", options_.socket});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return run([&argv] {
      CommandLine line(suspendd::suspendd_program());
      suspendd::add_commands(line);
      return line.run(static_cast<int>(argv.size()), argv.data());
    });
  }

  asio::io_context io_{1};
  TaskGroup group_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  StreamDeadlines deadlines_{io_.get_executor()};
  ScriptedProxy daemon_{group_, deadlines_};
  GeneratedTree tree_;
  TempDir dir_;
  suspendd::CliOptions options_;
  std::string out_;
  std::string err_;
};

}  // namespace rouse::test
