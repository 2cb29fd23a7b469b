#include "suspendd/relay/server.hpp"

#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/service/log.hpp"
#include "base/service/sd_notify.hpp"
#include "suspendd/relay/refusal_log.hpp"
#include "suspendd/relay/service.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <utility>

namespace rouse::suspendd {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRelayConnectionsMax = 64;
constexpr std::size_t kRelayPerAddress = 16;
/// Who has not said a word has less time than who may ask again.
constexpr std::chrono::seconds kFirstHead = 10s;
constexpr std::chrono::seconds kIdle = 60s;
constexpr std::chrono::seconds kBodyTime = 10s;

HttpLimits relay_limits() {
  HttpLimits limits;
  limits.head_max = 16 * 1024;
  limits.body_max = 16 * 1024;
  limits.head_timeout = 10s;
  limits.buffer = 4 * 1024;
  return limits;
}

/// The listener of a relay, from its start to the signal that ends it.
class Relay {
 public:
  Relay(asio::io_context& context, const RelayOptions& options, RelayRules rules)
      : options_(options),
        service_(std::move(rules), RelayService::Clock::now()),
        deadlines_(context.get_executor()),
        main_(context.get_executor(), report),
        sessions_(context.get_executor(), report),
        server_(
            sessions_,
            [this](std::unique_ptr<HttpStream> client, std::string remote) {
              return serve(std::move(client), std::move(remote));
            },
            relay_limits(), deadlines_, kRelayConnectionsMax),
        signals_(context.get_executor()) {
    server_.set_limits(relay_limits(), kRelayConnectionsMax, kRelayPerAddress);
  }

  void start() { main_.spawn(run()); }
  [[nodiscard]] int exit_status() const { return exit_status_; }

 private:
  static void report(const std::string& escaped) { spdlog::error("a task failed: {}", escaped); }

  Task<void> run() {
    const Result<std::string> address = server_.listen(options_.host, options_.port);
    if (!address) {
      const std::string why =
          listen_failure({options_.host, options_.port}, address.error()) + " (relay.listen)";
      spdlog::error("relay: {}", why);
      notify_status("cannot start: " + why);
      exit_status_ = 1;
      co_return;
    }
    // Not before: looking up a name may block, and until here they end us like any program.
    boost::system::error_code ignored;
    for (const int signal : {SIGINT, SIGTERM}) signals_.add(signal, ignored);
    spdlog::info("relay: listening on {}, for {}", *address,
                 options_.macs.empty() ? std::string("any machine")
                                       : fmt::format("{}", fmt::join(options_.macs, ", ")));
    notify_ready("sends magic packets for whoever asks on " + *address);
    main_.spawn(feed_watchdog(main_.executor()));
    const auto [error, signal] = co_await signals_.async_wait(use_task);
    spdlog::info("relay: signal {}, bye", signal);
    notify_stopping("no new connections");
    server_.stop_accepting();
    sessions_.cancel(asio::cancellation_type::terminal);
    co_await sessions_.join();
    main_.cancel(asio::cancellation_type::terminal);
  }

  Task<void> serve(std::unique_ptr<HttpStream> client, std::string remote) {
    client->expires_after(kFirstHead);
    for (;;) {
      Result<std::optional<RequestHead>> request = co_await client->read_request();
      if (!request) {
        co_await refuse_bad(*client, request.error());
        co_return;
      }
      if (!*request) co_return;
      client->expires_after(kBodyTime);
      const bool goes_on = co_await answer(*client, **request, remote);
      if (!goes_on) co_return;
      client->expires_after(kIdle);
    }
  }

  /// Whether the connection can carry another request.
  Task<bool> answer(HttpStream& client, const RequestHead& request, const std::string& remote) {
    std::optional<RelayAnswer> answer = service_.refusal(request, RelayService::Clock::now());
    const bool unread = answer.has_value() && request.framing != Framing::None;
    if (!answer) {
      const Result<std::string> body = co_await whole_body(client);
      if (!body) {
        co_await refuse_bad(client, body.error());
        co_return false;
      }
      answer = service_.answer(*body, RelayService::Clock::now());
    }
    tell(remote, *answer);
    ResponseHead head = head_of(*answer);
    head.keep_alive = request.keep_alive && !unread;
    const Result<void> sent = co_await client.write_response(head, answer->body, false);
    if (sent && unread) co_await client.linger_close();
    co_return sent&& head.keep_alive;
  }

  void tell(const std::string& remote, const RelayAnswer& answer) {
    if (answer.log.empty()) return;
    std::string line = fmt::format("relay: {}: {}", remote, answer.log);
    if (answer.status >= 400) line = refusals_.line(std::move(line), RefusalLog::Clock::now());
    if (!line.empty()) spdlog::info("{}", line);
  }

  static Task<Result<std::string>> whole_body(HttpStream& client) {
    std::string body;
    while (!client.body_done()) {
      const Result<std::string_view> piece = co_await client.read_body();
      if (!piece) co_return piece.error();
      body += *piece;
    }
    co_return body;
  }

  static Task<void> refuse_bad(HttpStream& client, Error error) {
    const int status = status_for(error.code);
    if (status == 0) co_return;
    RelayAnswer answer;
    answer.status = status;
    answer.body = R"({"code":"bad_request","message":"the request cannot be read"})";
    ResponseHead head = head_of(answer);
    head.keep_alive = false;
    const Result<void> sent = co_await client.write_response(head, answer.body, false);
    if (sent) co_await client.linger_close();
  }

  static ResponseHead head_of(const RelayAnswer& answer) {
    ResponseHead head;
    head.status = answer.status;
    head.reason = reason_phrase(answer.status);
    head.fields = answer.fields;
    head.fields.add("content-type", "application/json");
    head.framing = Framing::Length;
    head.content_length = answer.body.size();
    return head;
  }

  const RelayOptions& options_;
  RelayService service_;
  RefusalLog refusals_;
  StreamDeadlines deadlines_;
  TaskGroup main_;
  TaskGroup sessions_;
  HttpServer server_;
  asio::basic_signal_set<Executor> signals_;
  int exit_status_ = 0;
};

}  // namespace

int run_relay(const RelayOptions& options) {
  std::vector<std::string> problems;
  RelayRules rules = relay_rules(options, problems);
  for (const std::string& problem : problems) {
    write_stderr_line(LinePriority::Error, "rouse-suspendd relay: " + problem);
  }
  if (!problems.empty()) {
    notify_status("cannot start: " + problems.front());
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context context(1);
  LogOptions log;
  log.level = options.log_level;
  set_up_log(context.get_executor(), log, [](std::string_view) {});
  int status = 0;
  {
    Relay relay(context, options, std::move(rules));
    relay.start();
    context.run();
    status = relay.exit_status();
  }
  close_log();
  return status;
}

}  // namespace rouse::suspendd
