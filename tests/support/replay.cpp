#include "tests/support/client_trace.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <algorithm>
#include <future>
#include <map>
#include <memory>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using Clock = ProbeClock;
using std::chrono::milliseconds;

/// Longer pauses of a person in front of the client say nothing about a proxy.
constexpr milliseconds kPauseMax = 10s;

/// One session on its way. Each request has a thread of its own, which waits for those before it.
class Session {
 public:
  Session(const ClientTrace& trace, std::uint16_t port, int scale, milliseconds patience)
      : trace_(trace),
        port_(port),
        scale_(scale),
        patience_(patience),
        steps_(trace.requests.size()) {
    for (const TraceRequest& request : trace.requests) connections_[request.connection] = nullptr;
    for (Step& step : steps_) {
      step.sent = step.promise_sent.get_future();
      step.ended = step.promise_ended.get_future();
    }
  }

  std::vector<Replayed> run() {
    std::vector<std::future<void>> threads;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      threads.push_back(std::async(std::launch::async, [this, i] { play(i); }));
    }
    for (auto& thread : threads) thread.get();
    std::vector<Replayed> all;
    for (Step& step : steps_) all.push_back(std::move(step.result));
    return all;
  }

 private:
  struct Step {
    std::promise<Clock::time_point> promise_sent;
    std::promise<Clock::time_point> promise_ended;
    std::shared_future<Clock::time_point> sent;
    std::shared_future<Clock::time_point> ended;
    Replayed result;
  };

  void play(std::size_t i) {
    await_turn(i);
    Step& step = steps_[i];
    step.result.sent_at = Clock::now();
    step.result.was_sent = !is_needless(i);
    if (!step.result.was_sent) {
      step.promise_sent.set_value(step.result.sent_at);
    } else {
      exchange(trace_.requests[i], step);
    }
    step.promise_ended.set_value(Clock::now());
  }

  /// When in the recording the request @p i was over for its client.
  [[nodiscard]] milliseconds over(std::size_t i) const {
    const TraceRequest& request = trace_.requests[i];
    if (request.done) return *request.done;
    return request.left.value_or(request.at);
  }

  /// Waits for what had happened before in the recording, and then as long as the client did.
  void await_turn(std::size_t i) {
    const milliseconds at = trace_.requests[i].at;
    milliseconds last_event{0};
    Clock::time_point last = Clock::now();
    for (std::size_t before = 0; before < i; ++before) {
      const bool was_over = over(before) <= at;
      const milliseconds when = was_over ? over(before) : trace_.requests[before].at;
      const Clock::time_point now =
          was_over ? steps_[before].ended.get() : steps_[before].sent.get();
      if (when >= last_event) {
        last_event = when;
        last = std::max(last, now);
      }
    }
    if (i == 0) return;
    const auto pause = std::min<milliseconds>((at - last_event) / scale_, kPauseMax);
    const auto left = std::chrono::ceil<milliseconds>(last + pause - Clock::now());
    if (left > 0ms) ::poll(nullptr, 0, static_cast<int>(left.count()));
  }

  /// A repetition of what was answered this time.
  [[nodiscard]] bool is_needless(std::size_t i) const {
    if (i == 0 || trace_.requests[i - 1].done) return false;
    const Replayed& before = steps_[i - 1].result;
    return !before.was_sent || before.answer.clean();
  }

  void exchange(const TraceRequest& request, Step& step) {
    HttpProbe& client = connection_for(request);
    Replayed& result = step.result;
    const bool expects = !request.header("expect").empty();
    bool sent = client.send(expects ? request.head(port_) : request.head(port_) + request.body);
    if (expects) sent = sent && client.hears(patience_) && client.send(request.body);
    EXPECT_TRUE(sent) << trace_.name << ": " << request.target;
    step.promise_sent.set_value(result.sent_at);

    milliseconds patience = patience_;
    if (!request.done && request.left) patience = (*request.left - request.at) / scale_;
    result.answer = client.read_head(patience, request.method == "HEAD");
    if (request.left && request.done && result.answer.status == 200) {
      // It has what it wants with the last event, and does not wait for the last chunk.
      result.left_before_end = read_last_event(client, request, result.answer);
      client.close();
      return;
    }
    while (client.read_piece(result.answer, patience)) {
    }
    if (result.answer.end == ProbeEnd::TimedOut) client.close();
    if (result.answer.header("connection") == "close") connections_.at(request.connection).reset();
  }

  bool read_last_event(HttpProbe& client, const TraceRequest& request, ProbeResponse& answer) {
    if (!client.read_until(answer, last_event(request), patience_)) return false;
    const std::size_t at = answer.body.find(last_event(request));
    while (answer.body.find("\n\n", at) == std::string::npos) {
      if (!client.read_piece(answer, patience_)) return false;
    }
    return true;
  }

  HttpProbe& connection_for(const TraceRequest& request) {
    // A connection that rouse has said it closes is opened again, as clients do.
    std::unique_ptr<HttpProbe>& connection = connections_.at(request.connection);
    if (request.nth_on_connection == 1 || !connection) {
      connection = std::make_unique<HttpProbe>(port_);
    }
    return *connection;
  }

  const ClientTrace& trace_;
  const std::uint16_t port_;
  const int scale_;
  const milliseconds patience_;
  std::vector<Step> steps_;
  std::map<int, std::unique_ptr<HttpProbe>> connections_;
};

}  // namespace

std::vector<Replayed> replay(const ClientTrace& trace, std::uint16_t port, int scale,
                             milliseconds patience) {
  return Session(trace, port, scale, patience).run();
}

}  // namespace rouse::test
