#include "suspendd/metrics_server.hpp"

#include "base/service/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rouse::suspendd {

namespace {

constexpr std::size_t kMetricsConnectionsMax = 64;
constexpr std::size_t kMetricsPerAddress = 16;
constexpr std::chrono::seconds kMetricsAge{1};

HttpLimits metrics_limits() {
  HttpLimits limits;
  limits.head_max = 16 * 1024;
  limits.body_max = 4 * 1024;
  limits.buffer = 4 * 1024;
  return limits;
}

/// Whether @p pattern, a name or "*.example.org" or "*", means @p name.
bool means(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with('*')) return pattern == name;
  return name.ends_with(pattern.substr(1));
}

}  // namespace

MetricsServer::MetricsServer(TaskGroup& tasks, StreamDeadlines& deadlines, MakeReport make_report,
                             std::chrono::milliseconds call_time)
    : make_report_(std::move(make_report)),
      call_time_(call_time),
      server_(
          tasks,
          [this](std::unique_ptr<HttpStream> client, const std::string&) {
            return serve(std::move(client));
          },
          metrics_limits(), deadlines, kMetricsConnectionsMax) {
  server_.set_limits(metrics_limits(), kMetricsConnectionsMax, kMetricsPerAddress);
}

Result<void> MetricsServer::listen(const ListenAddress& where) {
  own_names_ = look_up_own_names(where.host);
  Result<std::string> listening = server_.listen(where.host, where.port);
  if (!listening) return listening.error();
  address_ = std::move(*listening);
  return {};
}

bool MetricsServer::is_known(const RequestHead& request) const {
  const std::string_view host = request.fields.find("host").value_or("");
  const std::string name = name_in_host(host);
  return is_own_host(host, own_names_) ||
         std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const std::string& pattern) { return means(pattern, name); });
}

Task<void> MetricsServer::serve(std::unique_ptr<HttpStream> client) {
  for (;;) {
    client->expires_after(call_time_);
    const Result<std::optional<RequestHead>> request = co_await client->read_request();
    if (!request || !*request) co_return;
    while (!client->body_done()) {
      const Result<std::string_view> piece = co_await client->read_body();
      if (!piece) co_return;
    }
    const Page page = co_await page_for(**request);
    ResponseHead head;
    head.status = page.status;
    head.framing = Framing::Length;
    head.content_length = page.text.size();
    head.fields.add("content-type", "text/plain; version=0.0.4");
    const Result<void> written = co_await client->write_response(head, page.text, false);
    if (!written) co_return;
  }
}

Task<MetricsServer::Page> MetricsServer::page_for(const RequestHead& request) {
  if (!is_known(request)) {
    const std::string name = name_in_host(request.fields.find("host").value_or(""));
    co_return Page{421, fmt::format("this machine is not known as {}: if that is a name of yours "
                                    "for it, add it to metrics.hosts\n",
                                    for_log(name, 100))};
  }
  if (request.method != "GET" || request.path() != "/metrics") {
    co_return Page{404, "GET /metrics\n"};
  }
  std::string text = co_await fresh_text();
  co_return Page{200, std::move(text)};
}

Task<std::string> MetricsServer::fresh_text() {
  const bool is_fresh = !text_.empty() && Clock::now() - made_at_ < kMetricsAge;
  // Who comes while another one waits for the report gets the last one.
  if (is_fresh || (is_making_ && !text_.empty())) co_return text_;
  is_making_ = true;
  const Report report = co_await make_report_();
  is_making_ = false;
  text_ = metrics_text(report);
  made_at_ = Clock::now();
  co_return text_;
}

}  // namespace rouse::suspendd
