#include "base/wake/sender.hpp"

#include "base/async/use_task.hpp"
#include "base/http/ask.hpp"
#include "base/http/pool.hpp"
#include "base/process/run_program.hpp"
#include "base/process/spawn.hpp"
#include "base/text/json_writer.hpp"
#include "base/yaml/tree.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr std::size_t kTextMax = 200;

/// The last line of @p text that says anything, cut and without control bytes.
std::string last_line(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  const std::size_t start = text.find_last_of('\n');
  std::string line(start == std::string_view::npos ? text : text.substr(start + 1));
  line.resize(std::min(line.size(), kTextMax));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

std::string secureon_text(const SecureOn& password) {
  const auto end = password.bytes.begin() + static_cast<std::ptrdiff_t>(password.size);
  return password.size == 4 ? fmt::format("{}", fmt::join(password.bytes.begin(), end, "."))
                            : fmt::format("{:02x}", fmt::join(password.bytes.begin(), end, ":"));
}

std::string relay_body(const WakePlan& plan) {
  JsonWriter json;
  json.begin_object();
  json.key("macs");
  json.begin_array();
  for (const MacAddress& mac : plan.macs) json.value(mac.text());
  json.end_array();
  json.key("ports");
  json.begin_array();
  for (const std::uint16_t port : plan.ports) json.value(static_cast<int>(port));
  json.end_array();
  if (plan.secureon) json.member("secureon", secureon_text(*plan.secureon));
  json.end_object();
  return json.take();
}

/// What the relay says of itself: its answer's "message". JSON is YAML, and the reader is bounded.
std::string relay_message(const std::string& body) {
  std::vector<Problem> ignored;
  const YamlNode root = read_yaml(body, "", ignored);
  const YamlNode* const message = root.find("message");
  return message != nullptr && message->is_scalar() ? last_line(message->text) : std::string();
}

WakeResult told_by(WakeResult result, const Result<HttpAnswer>& answer) {
  if (!answer) {
    result.code = answer.error().code.value();
    result.text = answer.error().message();
    return result;
  }
  result.code = answer->status;
  result.ok = answer->status >= 200 && answer->status < 300;
  result.text = fmt::format("answered {}", answer->status);
  if (answer->status >= 300 && answer->status < 400) result.text += ": redirects are not followed";
  return result;
}

std::string url_text(const Endpoint& url) {
  if (!url.unix_path.empty()) return url.authority();
  return (url.tls ? "https://" : "http://") + url.authority();
}

HttpAsk relay_ask(const WakePlan& plan) {
  HttpAsk ask;
  ask.method = "POST";
  ask.url = plan.relay->url;
  ask.target = ask.url.base_path + "/v1/wake";
  ask.fields.add("content-type", "application/json");
  if (!plan.relay->token.empty()) ask.fields.add("authorization", "Bearer " + plan.relay->token);
  ask.body = relay_body(plan);
  ask.timeout = WakeSender::kHttpTimeout;
  return ask;
}

HttpAsk hook_ask(const WakeHook& hook) {
  HttpAsk ask;
  ask.method = hook.method;
  ask.url = hook.url;
  ask.target = hook.target;
  ask.fields = hook.headers;
  ask.body = hook.body;
  ask.timeout = WakeSender::kHttpTimeout;
  return ask;
}

ProgramRun program_of(const WakePlan& plan) {
  ProgramRun run;
  run.argv = plan.command;
  run.timeout = plan.command_timeout;
  std::string macs;
  for (const MacAddress& mac : plan.macs) macs += (macs.empty() ? "" : " ") + mac.text();
  run.env.push_back("WAKE_MACS=" + macs);
  return run;
}

}  // namespace

struct WakeSender::State {
  /// A path that takes its time.
  struct Slow {
    bool busy = false;
    Clock::time_point succeeded;  ///< long ago at first
  };

  State(TaskGroup& the_tasks, StreamDeadlines& deadlines, WakePlan the_plan)
      : tasks(the_tasks),
        pool(tasks.executor(), HttpLimits{}, deadlines),
        plan(std::move(the_plan)) {}

  TaskGroup& tasks;
  HttpPool pool;
  WakePlan plan;
  Slow relay;
  Slow hook;
  Slow command;
  int at_work = 0;

  [[nodiscard]] static bool is_due(const Slow& slow) {
    const bool rests = slow.succeeded != Clock::time_point{} &&
                       Clock::now() < slow.succeeded + WakeSender::kHookPause;
    return !slow.busy && !rests;
  }

  void begin(Slow& slow) {
    slow.busy = true;
    ++at_work;
  }
  void end(Slow& slow, bool ok) {
    slow.busy = false;
    slow.succeeded = ok ? Clock::now() : Clock::time_point{};
    --at_work;
  }

  static Task<void> ask_relay(std::shared_ptr<State> self, Told told);
  static Task<void> ask_hook(std::shared_ptr<State> self, Told told);
  static Task<void> run_command(std::shared_ptr<State> self, Told told);
};

Task<void> WakeSender::State::ask_relay(std::shared_ptr<State> self, Told told) {
  WakeResult result;
  result.path = "relay";
  result.destination = url_text(self->plan.relay->url);
  HttpAsk ask = relay_ask(self->plan);
  const Result<HttpAnswer> answer = co_await http_ask(self->pool, std::move(ask));
  result = told_by(std::move(result), answer);
  const std::string message = answer ? relay_message(answer->body) : std::string();
  if (!message.empty()) result.text += ": " + message;
  self->end(self->relay, false);  // its packets may be lost, so the next volley asks it, too
  told(result);
}

Task<void> WakeSender::State::ask_hook(std::shared_ptr<State> self, Told told) {
  WakeResult result;
  result.path = "http";
  result.destination = url_text(self->plan.hook->url);
  HttpAsk ask = hook_ask(*self->plan.hook);
  const Result<HttpAnswer> answer = co_await http_ask(self->pool, std::move(ask));
  result = told_by(std::move(result), answer);
  self->end(self->hook, result.ok);
  told(result);
}

Task<void> WakeSender::State::run_command(std::shared_ptr<State> self, Told told) {
  WakeResult result;
  result.path = "command";
  result.destination = self->plan.command.front();
  ProgramRun run = program_of(self->plan);
  const Result<ProgramEnd> end = co_await run_program(self->tasks.executor(), std::move(run));
  if (!end) {
    result.code = end.error().code.value();
    result.text = end.error().message();
  } else if (end->timed_out) {
    result.text = fmt::format("did not end within {} s and was killed",
                              self->plan.command_timeout.count() / 1000);
  } else {
    result.code = end->exit_status();
    result.ok = result.code == 0;
    result.text = exit_text(end->status);
    const std::string line = last_line(end->output);
    if (!line.empty()) result.text += ": " + line;
  }
  self->end(self->command, result.ok);
  told(result);
}

WakeSender::WakeSender(TaskGroup& tasks, StreamDeadlines& deadlines, WakePlan plan)
    : state_(std::make_shared<State>(tasks, deadlines, std::move(plan))) {}

WakeSender::~WakeSender() = default;

const WakePlan& WakeSender::plan() const {
  return state_->plan;
}

void WakeSender::volley(const Told& told) {
  State& state = *state_;
  // First what may take long, so that it is on its way while the packets are made.
  if (state.plan.relay && !state.plan.macs.empty() && State::is_due(state.relay)) {
    state.begin(state.relay);
    state.tasks.spawn(State::ask_relay(state_, told));
  }
  if (state.plan.hook && State::is_due(state.hook)) {
    state.begin(state.hook);
    state.tasks.spawn(State::ask_hook(state_, told));
  }
  if (!state.plan.command.empty() && State::is_due(state.command)) {
    state.begin(state.command);
    state.tasks.spawn(State::run_command(state_, told));
  }
  for (const WakeResult& result : send_packets(state.plan)) told(result);
}

Task<std::vector<WakeResult>> WakeSender::volley_to_end() {
  struct Gathered {
    explicit Gathered(const Executor& executor) : bell(executor, Clock::time_point::max()) {}
    Timer bell;
    std::vector<WakeResult> results;
  };
  const auto gathered = std::make_shared<Gathered>(state_->tasks.executor());
  const std::shared_ptr<State> state = state_;
  volley([gathered](const WakeResult& result) {
    gathered->results.push_back(result);
    gathered->bell.cancel();
  });
  while (state->at_work > 0) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) break;
    co_await gathered->bell.async_wait(use_task);
  }
  co_return std::move(gathered->results);
}

}  // namespace rouse
