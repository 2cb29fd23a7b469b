#include "tests/support/exchange_world.hpp"

#include "proxy/access/keys.hpp"
#include "proxy/config/http_limits.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/telemetry/activity/query.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <stdexcept>

namespace rouse {

namespace {

bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

void note(const std::string& text) {
  ADD_FAILURE() << text;
}

}  // namespace

/// As App has them, without a listener, a daemon and signals.
struct ExchangeWorld::Parts {
  Parts(Executor executor, std::shared_ptr<const Config> config_in, StreamDeadlines& deadlines)
      : config(std::move(config_in)),
        engines(executor, note),
        sessions(executor, note),
        pool(executor, http_limits(*config), deadlines),
        registry(dir.path()),
        dispatcher(config, engines, pool, registry),
        capabilities(config, engines, pool, dir.path()),
        keys(config),
        names(config),
        recorder(executor, *config),
        peers(config, engines, pool, deadlines, recorder.metrics.peers(), dir.path()),
        machine(engines, {true, config->performance_every}),
        power(engines, dispatcher, recorder),
        proxy{config,       dispatcher,
              capabilities, keys,
              names,        peers,
              recorder,     machine,
              power,        pool,
              deadlines,    sessions,
              logs,         [] { return Reloaded(); }} {}

  Task<void> leave() {
    sessions.cancel(asio::cancellation_type::total);
    peers.stop();
    dispatcher.shut_down_now();
    peers.shut_down_now();
    co_await dispatcher.shut_down();
    co_await peers.shut_down();
    sessions.cancel(asio::cancellation_type::terminal);
    co_await sessions.join();
    engines.cancel(asio::cancellation_type::terminal);
    co_await engines.join();
    pool.clear();
  }

  test::TempDir dir;
  std::shared_ptr<const Config> config;
  TaskGroup engines;
  TaskGroup sessions;
  HttpPool pool;
  EngineRegistry registry;
  Dispatcher dispatcher;
  KnownCapabilities capabilities;
  Keys keys;
  Names names;
  Recorder recorder;
  Peers peers;
  Machine machine;
  Power power;
  Logs logs;
  Proxy proxy;
};

void ExchangeWorld::PartsDeleter::operator()(Parts* parts) const {
  delete parts;
}

void ExchangeWorld::start(const std::string& config) {
  const LoadedConfig loaded = parse_config(config, "test.yaml");
  for (const Problem& problem : loaded.problems) throw std::runtime_error(problem.str());
  parts_.reset(new Parts(io_.get_executor(), loaded.config, deadlines_));
}

void ExchangeWorld::load(const std::string& model) {
  ASSERT_EQ(dispatcher().load(model), "");
  ASSERT_TRUE(run_until([this, &model] {
    return dispatcher().engine_state(model) == core::EngineState::Ready;
  })) << model
      << " is not loaded";
}

void ExchangeWorld::connect_client() {
  client_heard_.clear();
  connect_tcp(HttpStream::Role::Server, http_limits(*parts_->config));
  parts_->sessions.spawn(serve_client(std::move(stream_), "127.0.0.1", parts_->proxy));
}

void ExchangeWorld::ask(std::string_view target, std::string_view body, std::string_view fields) {
  std::string text = "POST " + std::string(target) + " HTTP/1.1\r\nHost: rouse\r\n";
  text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
  text += "\r\n" + std::string(fields) + "\r\n" + std::string(body);
  say(text);
}

std::string ExchangeWorld::client_hears(std::string_view end) {
  const bool came = run_until([this, end] {
    client_heard_ += heard();
    return client_heard_.find(end) != std::string::npos;
  });
  EXPECT_TRUE(came) << "the client has heard only: " << client_heard_;
  return client_heard_;
}

std::string ExchangeWorld::client_hears_end() {
  client_heard_ += heard_to_end();
  return client_heard_;
}

Activity ExchangeWorld::last_row() {
  EXPECT_TRUE(run_until([this] { return is_quiet(); })) << "a request does not end";
  ActivityQuery query;
  query.limit = 1;
  const std::optional<ActivityPage> page = run(recorder().store().page(query));
  if (!page || page->rows.empty()) {
    ADD_FAILURE() << "nothing is recorded";
    return {};
  }
  return page->rows.front();
}

Proxy& ExchangeWorld::proxy() {
  return parts_->proxy;
}
const Config& ExchangeWorld::config() {
  return *parts_->config;
}
Dispatcher& ExchangeWorld::dispatcher() {
  return parts_->dispatcher;
}
Recorder& ExchangeWorld::recorder() {
  return parts_->recorder;
}
Peers& ExchangeWorld::peers() {
  return parts_->peers;
}

void ExchangeWorld::TearDown() {
  hang_up();
  if (parts_) run(parts_->leave());
  parts_.reset();
  StreamFixture::TearDown();
}

// --- the other side ------------------------------------------------------------------------------

ExchangeWorld::OtherSide::OtherSide(ExchangeWorld& world) : world_(world) {
  bind();
}

void ExchangeWorld::OtherSide::bind() {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
  EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
  port_ = ntohs(address.sin_port);
}

void ExchangeWorld::OtherSide::listen() {
  if (listener_.get() < 0) bind();
  ASSERT_EQ(::listen(listener_.get(), 8), 0);
}

bool ExchangeWorld::OtherSide::has_caller() {
  return is_readable(listener_.get());
}

void ExchangeWorld::OtherSide::accept() {
  ASSERT_TRUE(world_.run_until([this] { return has_caller(); })) << "nobody has connected";
  connection_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int on = 1;
  ::setsockopt(connection_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  heard_.clear();
}

void ExchangeWorld::OtherSide::confirm_at_once() {
  const int on = 1;
  ASSERT_EQ(::setsockopt(connection_.get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on), 0);
}

void ExchangeWorld::OtherSide::has_mail() {
  ASSERT_TRUE(world_.run_until([this] { return is_readable(connection_.get()); }));
}

std::string ExchangeWorld::OtherSide::hear(std::string_view end) {
  const bool came = world_.run_until([this, end] {
    char buffer[65536];
    const ssize_t n = ::recv(connection_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) heard_.append(buffer, static_cast<std::size_t>(n));
    return heard_.find(end) != std::string::npos;
  });
  EXPECT_TRUE(came) << "this side has heard only: " << heard_;
  return std::exchange(heard_, std::string());
}

std::string ExchangeWorld::OtherSide::hear_request() {
  std::string text = hear("\r\n\r\n");
  const std::size_t at = text.find("Content-Length: ");
  if (at == std::string::npos) return text;
  const std::size_t whole = text.find("\r\n\r\n") + 4 + std::stoul(text.substr(at + 16));
  const bool came = world_.run_until([this, &text, whole] {
    char buffer[65536];
    if (text.size() >= whole) return true;
    const ssize_t n = ::recv(connection_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
    return text.size() >= whole;
  });
  EXPECT_TRUE(came) << "half a request: " << text;
  return text;
}

void ExchangeWorld::OtherSide::say(std::string_view bytes) {
  ASSERT_EQ(::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

void ExchangeWorld::OtherSide::answer(int status, std::string_view body, std::string_view fields) {
  say("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
      std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      std::string(body));
}

bool ExchangeWorld::OtherSide::say_at_once(std::string_view bytes) {
  const ssize_t n =
      ::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n == static_cast<ssize_t>(bytes.size());
}

void ExchangeWorld::OtherSide::reset() {
  const linger hard{1, 0};
  ::setsockopt(connection_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  connection_.reset();
}

bool ExchangeWorld::OtherSide::vanish() {
  const int on = 1;
  if (::setsockopt(connection_.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) != 0) return false;
  connection_.reset();
  return true;
}

bool ExchangeWorld::OtherSide::is_left() {
  return world_.run_until([this] {
    char byte = 0;
    const ssize_t n = ::recv(connection_.get(), &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
  });
}

}  // namespace rouse
