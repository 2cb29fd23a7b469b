#include "suspendd/cli/control_client.hpp"

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "suspendd/config/config.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <simdjson.h>

#include <cstdio>
#include <utility>

namespace rouse::suspendd {

namespace {

constexpr int kRefused = 1;
constexpr int kNoDaemon = 3;

Task<void> fetch(HttpPool& pool, HttpAsk ask, Result<HttpAnswer>& out) {
  out = co_await http_ask(pool, std::move(ask));
}

void print_error(const std::string& text) {
  std::fprintf(stderr, "rouse-suspendd: %s\n", text.c_str());
}

}  // namespace

std::string control_socket(const CliOptions& options) {
  if (!options.socket.empty()) return options.socket;
  const LoadedConfig loaded =
      load_config(options.config_file.empty() ? kUsualConfig : options.config_file);
  // A file that cannot be read, or is broken, does not keep anybody from asking the daemon.
  return loaded.config ? loaded.config->control_socket : Config().control_socket;
}

Result<HttpAnswer> ask_daemon(const CliOptions& options, const std::string& method,
                              const std::string& path, const std::string& body,
                              std::chrono::milliseconds limit) {
  HttpAsk ask = json_ask(unix_endpoint(control_socket(options)), method, path, body, limit);
  asio::io_context context(1);
  Result<HttpAnswer> answer(Error{});
  {
    StreamDeadlines deadlines(context.get_executor());
    HttpPool pool(context.get_executor(), HttpLimits(), deadlines);
    TaskGroup tasks(context.get_executor(), print_error);
    tasks.spawn(fetch(pool, std::move(ask), answer));
    context.run();
  }
  if (answer) return answer;
  const auto code = answer.error().code;
  const bool is_away = code == boost::system::errc::no_such_file_or_directory ||
                       code == boost::system::errc::connection_refused;
  if (is_away) {
    return Error{code,
                 fmt::format("rouse-suspendd does not run here (start it with `systemctl start "
                             "rouse-suspendd`, or name its --socket); {}",
                             answer.error().doing)};
  }
  if (code == boost::system::errc::permission_denied) {
    return Error{code,
                 "you may not open the daemon's socket (try sudo, or join the group rouse); " +
                     answer.error().doing};
  }
  return answer;
}

int print_answer(const Result<HttpAnswer>& answer) {
  if (!answer) {
    print_error(answer.error().message());
    return kNoDaemon;
  }
  if (!answer->ok()) {
    print_error(refusal_text(*answer));
    return kRefused;
  }
  std::fputs(answer->body.c_str(), stdout);
  return 0;
}

int print_reply(const Result<HttpAnswer>& answer, bool json) {
  if (json || !answer || !answer->ok()) return print_answer(answer);
  std::printf("%s\n", refusal_text(*answer).c_str());  // its "message"
  return 0;
}

}  // namespace rouse::suspendd
