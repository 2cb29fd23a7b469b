#include "proxy/power/power_socket.hpp"

#include "base/async/use_task.hpp"
#include "base/service/log.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/power/power_calls.hpp"

#include <spdlog/spdlog.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kConnectionsMax = 64;
constexpr std::chrono::seconds kIdle{600};
constexpr std::chrono::seconds kStranger{2};  // so that nobody can occupy the socket for others

HttpLimits limits() {
  HttpLimits limits;
  limits.body_max = 64 * 1024;
  limits.head_max = 16 * 1024;
  return limits;
}

/// In the folder that systemd has made for us (the first, if there are several), else in the usual
/// one.
std::string usual_socket() {
  const char* const folders = std::getenv("RUNTIME_DIRECTORY");
  const std::string text = folders == nullptr ? "" : folders;
  const std::string folder = text.substr(0, text.find(':'));
  return (folder.empty() ? "/run/rouse" : folder) + "/power.sock";
}

}  // namespace

PowerSocket::PowerSocket(TaskGroup& tasks, Power& power, StreamDeadlines& deadlines,
                         const PowerConfig& config)
    : power_(power),
      config_(config),
      allowed_(config.users, config.groups),
      server_(
          tasks,
          [this](std::unique_ptr<HttpStream> client, std::string remote) {
            return serve(std::move(client), std::move(remote));
          },
          limits(), deadlines, kConnectionsMax) {}

Result<void> PowerSocket::listen() {
  const bool is_wanted = !config_.socket.empty();
  const std::string path = is_wanted ? config_.socket : usual_socket();
  const std::string folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!is_wanted && !std::filesystem::is_directory(folder, ignored)) {
    spdlog::info("power: there is no {}, so nobody can ask this machine to sleep", folder);
    return {};
  }
  for (const std::string& name : allowed_.unknown()) {
    spdlog::warn("power: there is no {} on this machine", for_log(name));
  }
  const Result<std::string> opened = server_.listen_unix(path);
  if (!opened) {
    if (is_wanted) return opened.error();
    spdlog::warn("power: {}, so nobody can ask this machine to sleep", opened.error().message());
    return {};
  }
  // Whom the umask keeps out cannot even ask. Guests come through; what the kernel says of a caller
  // decides, whatever the mode.
  if (config_.has_guests) ::chmod(path.c_str(), 0666);
  spdlog::info("power: who may let this machine sleep asks at {}", *opened);
  return {};
}

Task<void> PowerSocket::serve(std::unique_ptr<HttpStream> client, std::string) {
  const Result<PeerCredentials> peer = PeerCredentials::of(client->socket().native_handle());
  const bool allowed = peer && allowed_.allows(*peer);
  for (;;) {
    client->expires_after(allowed ? kIdle : kStranger);
    Result<std::optional<RequestHead>> request = co_await client->read_request();
    if (!request) {
      co_await refuse_power_head(*client, request.error());
      co_return;
    }
    if (!*request) co_return;
    client->expires_never();
    if (!allowed) {
      const std::string who =
          peer ? fmt::format("pid {}, user {}", peer->pid, peer->uid) : peer.error().message();
      spdlog::warn("power: refused {} {} from {}", (*request)->method, for_log((*request)->path()),
                   who);
      co_await refuse_power_call(*client, **request, who);
      co_return;
    }
    const bool stays_open = co_await answer_power_call(*client, std::move(**request), power_);
    if (!stays_open) co_return;
  }
}

}  // namespace rouse
