#include "proxy/telemetry/recorder.hpp"

#include "base/check.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kCaptureMegabyte = 1024 * 1024;

StoreOptions options_of(const Config& config) {
  StoreOptions options;
  options.path = config.store_path.value_or("");
  options.rows_max = config.store_path ? config.store_rows_max : config.metrics_max_in_memory;
  options.age_max = config.store_age_max;
  return options;
}

std::size_t capture_bytes(const Config& config) {
  return static_cast<std::size_t>(std::max(config.capture_buffer_mb, 0)) * kCaptureMegabyte;
}

}  // namespace

Recorder::Recorder(Executor executor, const Config& config)
    : captures(capture_bytes(config)), worker_(std::move(executor)) {
  metrics.adopt(config);
  open_store(config);
}

void Recorder::adopt(const Config& config) {
  metrics.adopt(config);
  captures.set_bytes_max(capture_bytes(config));
  const StoreOptions options = options_of(config);
  if (options.path == wanted_path_) {
    store_->set_limits(options.rows_max, options.age_max);
  } else {
    open_store(config);
  }
}

void Recorder::open_store(const Config& config) {
  const auto trouble = [](const std::string& text) { spdlog::warn("{}", text); };
  StoreOptions options = options_of(config);
  wanted_path_ = options.path;
  // Ids go on, since captures and those who listen know requests by them.
  if (store_) options.first_id = store_->next_id();
  store_.reset();
  auto opened = ActivityStore::open(options, worker_, trouble);
  if (!opened) {
    spdlog::error("{}; it is kept in memory instead", opened.error().doing);
    options.path.clear();
    options.rows_max = config.metrics_max_in_memory;
    opened = ActivityStore::open(options, worker_, trouble);
  }
  ROUSE_CHECK(static_cast<bool>(opened));
  store_ = std::move(*opened);
}

void Recorder::record(Activity row, const StreamTiming& timing, std::optional<Capture> capture,
                      const std::function<bool(const Fields::Field&)>& is_secret) {
  row.has_capture = capture.has_value();
  metrics.finished(row, timing);
  const std::string model = row.model;
  const std::int64_t id = store_->record(std::move(row));
  if (capture) {
    capture->id = id;
    capture->model = model;
    captures.keep(std::move(*capture), is_secret);
  }
  events.publish_of(model, "activity", fmt::format("{{\"id\":{}}}", id));
}

}  // namespace rouse
