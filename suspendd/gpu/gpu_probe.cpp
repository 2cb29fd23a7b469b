#include "suspendd/gpu/gpu_probe.hpp"

#include <simdjson.h>

namespace rouse::suspendd {
namespace {

Error failure(boost::system::errc::errc_t code, std::string text) {
  return Error{boost::system::errc::make_error_code(code), std::move(text)};
}

Result<std::string> self_test_result(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element top;
  bool is_ok = false;
  std::string_view text;
  const simdjson::padded_string padded(json);
  const bool is_answer = parser.parse(padded).get(top) == simdjson::SUCCESS &&
                         top["ok"].get(is_ok) == simdjson::SUCCESS &&
                         top["text"].get(text) == simdjson::SUCCESS;
  if (!is_answer) {
    return failure(boost::system::errc::protocol_error, "the GPU helper answered nonsense");
  }
  if (is_ok) return std::string(text);
  return failure(boost::system::errc::io_error, std::string(text));
}

}  // namespace

GpuProbe::GpuProbe(Executor executor, GpuProbeSettings settings)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      reader_(executor_, settings_),
      tester_(executor_, settings_) {}

GpuProbe::~GpuProbe() = default;

Task<Result<GpuReading>> GpuProbe::read() {
  const auto line = co_await reader_.ask("read", settings_.deadline, settings_.warm_up);
  if (!line) co_return line.error();
  auto reading = gpu_reading_from_json(*line);
  if (!reading) {
    co_return failure(boost::system::errc::protocol_error, "the GPU helper answered nonsense");
  }
  co_return std::move(*reading);
}

Task<Result<std::string>> GpuProbe::self_test() {
  // A helper that is stuck says enough, and another would only be stuck too.
  if (reader_.stuck_since()) {
    co_return failure(boost::system::errc::device_or_resource_busy,
                      "the GPU helper hangs in the kernel and cannot be killed");
  }
  const auto none = std::chrono::milliseconds::zero();
  const auto line = co_await tester_.ask("self-test", settings_.self_test, none);
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool is_over = state.cancelled() != asio::cancellation_type::none;
  if (!is_over) co_await tester_.end(settings_.deadline);
  if (!line) co_return line.error();
  co_return self_test_result(*line);
}

Task<void> GpuProbe::close() {
  co_await reader_.end(settings_.deadline);
  co_await tester_.end(settings_.deadline);
}

std::optional<std::chrono::steady_clock::time_point> GpuProbe::stuck_since() const {
  const auto reader = reader_.stuck_since();
  return reader ? reader : tester_.stuck_since();
}

}  // namespace rouse::suspendd
