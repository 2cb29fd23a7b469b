#pragma once

#include "proxy/check/machine_files.hpp"

#include <atomic>
#include <future>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rouse {

/// A machine of files for the checks. What it was not told of is missing.
class FakeFiles final : public MachineFiles {
 public:
  FakeFiles& folder(const std::string& path) { return put(path, {FileFacts::Kind::Folder}, {}); }
  FakeFiles& program(const std::string& path, std::string head =
                                                  "\x7f"
                                                  "ELF\x02") {
    return put(path, {FileFacts::Kind::File, true, true, true}, std::move(head));
  }
  FakeFiles& file(const std::string& path, std::string head = {}) {
    return put(path, {FileFacts::Kind::File, true, false, false}, std::move(head));
  }
  FakeFiles& put(const std::string& path, FileFacts facts, std::string head) {
    files_[path] = {facts, std::move(head)};
    return *this;
  }

  [[nodiscard]] FileFacts look(const std::string& path) const override {
    const auto it = files_.find(path);
    return it == files_.end() ? FileFacts{FileFacts::Kind::Missing} : it->second.first;
  }
  [[nodiscard]] std::string head(const std::string& path, std::size_t most) const override {
    const auto it = files_.find(path);
    return it == files_.end() ? std::string() : it->second.second.substr(0, most);
  }
  [[nodiscard]] std::string folder() const override { return "/here"; }
  [[nodiscard]] std::string user() const override { return "rouse"; }

 private:
  std::map<std::string, std::pair<FileFacts, std::string>> files_;
};

/// Answers to nobody before release(), as a mount whose server is gone.
class HungFiles final : public MachineFiles {
 public:
  [[nodiscard]] FileFacts look(const std::string&) const override {
    ++looks_;
    released_.wait();
    return {FileFacts::Kind::Missing};
  }
  [[nodiscard]] std::string head(const std::string&, std::size_t) const override { return {}; }
  [[nodiscard]] std::string folder() const override { return "/"; }
  [[nodiscard]] std::string user() const override { return "x"; }
  void release() { promise_.set_value(); }
  [[nodiscard]] int looks() const { return looks_; }

 private:
  mutable std::atomic<int> looks_{0};
  std::promise<void> promise_;
  std::shared_future<void> released_{promise_.get_future()};
};

/// Never destroyed: the thread that hangs in it outlives the test.
inline HungFiles& hung_files() {
  static std::vector<HungFiles*>& all = *new std::vector<HungFiles*>;
  all.push_back(new HungFiles);
  return *all.back();
}

}  // namespace rouse
