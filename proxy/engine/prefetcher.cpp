#include "proxy/engine/prefetcher.hpp"

#include "proxy/check/model_files.hpp"
#include "proxy/config/command_line.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <utility>

namespace rouse {

namespace {

namespace fs = std::filesystem;

/// Left to everybody else: what the next engine allocates beside its files, and what works here.
constexpr std::uint64_t kSpare = 1024ULL * 1024 * 1024;
constexpr int kPartsMost = 999;

/// "x-00001-of-00003.gguf" and its followers; else @p path alone.
std::vector<std::string> with_parts(const std::string& path) {
  constexpr std::string_view kFirst = "-00001-of-";
  const std::size_t at = path.rfind(kFirst);
  int parts = 0;
  if (at != std::string::npos) {
    const char* const digits = path.data() + at + kFirst.size();
    std::from_chars(digits, path.data() + path.size(), parts);
  }
  if (parts < 2 || parts > kPartsMost) return {path};
  std::vector<std::string> files;
  for (int part = 1; part <= parts; ++part) {
    files.push_back(
        fmt::format("{}-{:05}-of-{}", path.substr(0, at), part, path.substr(at + kFirst.size())));
  }
  return files;
}

bool has_weights(const fs::path& file) {
  const fs::path end = file.extension();
  return end == ".safetensors" || end == ".gguf" || end == ".bin";
}

/// A folder, as vLLM and SGLang want it, stands for the weights in it.
std::vector<std::string> without_folders(const std::vector<std::string>& files) {
  std::vector<std::string> found;
  for (const std::string& file : files) {
    std::error_code error;
    if (!fs::is_directory(file, error)) {
      found.push_back(file);
      continue;
    }
    const std::size_t first = found.size();
    for (const auto& entry : fs::directory_iterator(file, error)) {
      if (has_weights(entry.path())) found.push_back(entry.path().string());
    }
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(first), found.end());
  }
  return found;
}

}  // namespace

std::vector<std::string> files_to_prefetch(const ModelConfig& model) {
  if (model.prefetch) return *model.prefetch;
  std::vector<std::string> files;
  for (const NamedModelFile& named : named_model_files(read_command(model.cmd))) {
    for (std::string& part : with_parts(named.path)) files.push_back(std::move(part));
  }
  return files;
}

ReadAhead read_into_free_memory(const std::vector<std::string>& files,
                                const std::atomic<bool>& is_over) {
  yield_the_disk();
  ReadAhead sum;
  // Cached pages count as available: what was read is no longer free for more of it.
  const std::uint64_t available = available_memory();
  const std::uint64_t most = available > kSpare ? available - kSpare : 0;
  for (const std::string& file : without_folders(files)) {
    if (is_over || sum.bytes >= most || available_memory() < kSpare) break;
    const ReadAhead one = read_ahead(file, most - sum.bytes, is_over);
    sum.bytes += one.bytes;
    sum.from_disk += one.from_disk;
  }
  return sum;
}

void Prefetcher::want(const std::string& model, std::vector<std::string> files) {
  if (wish_->files == files) return;
  wish_->is_over = true;
  wish_ = std::make_shared<Wish>();
  wish_->model = model;
  wish_->files = std::move(files);
  if (is_running_ || wish_->files.empty()) return;
  is_running_ = true;
  tasks_.spawn(run());
}

Task<void> Prefetcher::run() {
  for (std::shared_ptr<Wish> mine; mine != wish_ && !wish_->files.empty();) {
    mine = wish_;
    const auto began = std::chrono::steady_clock::now();
    std::function<ReadAhead()> job = [mine, read = reader_] {
      return read(mine->files, mine->is_over);
    };
    const std::optional<ReadAhead> done = co_await call_.ask(std::move(job));
    if (!done) break;
    if (done->from_disk == 0) continue;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    spdlog::info("{}: {} MiB of its files were read ahead in {:.1f} s{}", mine->model,
                 done->from_disk >> 20U, took.count(), mine->is_over ? ", then not wanted" : "");
  }
  is_running_ = false;
}

}  // namespace rouse
