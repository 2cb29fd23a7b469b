#include "proxy/wire/loading_stream.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/sse.hpp"

#include <fmt/format.h>

#include <utility>

namespace rouse::wire {

namespace {

constexpr std::string_view kRule = "━━━━━";

std::string frame(std::string_view text) {
  return fmt::format("data: {{\"choices\":[{{\"delta\":{{\"reasoning_content\":{}}}}}]}}\n\n",
                     json_string(text));
}

}  // namespace

LoadingStream::LoadingStream(std::string model) : model_(std::move(model)) {}

std::string LoadingStream::end(std::chrono::milliseconds elapsed) {
  if (!begun_ || std::exchange(done_, true)) return {};
  return frame(fmt::format("\nDone! ({:.2f}s)\n{}\n \n",
                           static_cast<double>(elapsed.count()) / 1000.0, kRule));
}

std::string LoadingStream::next(std::chrono::milliseconds elapsed, std::size_t queue_position,
                                const std::string& trouble) {
  if (!begun_) {
    begun_ = true;
    return frame(fmt::format("{}\nrouse loading model: {}\n", kRule, model_));
  }
  if (queue_position == 0) {
    std::string last = end(elapsed);
    return last.empty() ? std::string(kKeepAliveComment) : last;
  }
  if (!trouble.empty() && trouble != last_trouble_) {
    last_trouble_ = trouble;
    return frame(fmt::format("\n{} {}\n", model_, trouble));
  }
  if (queue_position > 1 && queue_position != last_position_) {
    last_position_ = queue_position;
    return frame(fmt::format("\nQueue position: #{}\n", queue_position));
  }
  return frame(".");
}

}  // namespace rouse::wire
