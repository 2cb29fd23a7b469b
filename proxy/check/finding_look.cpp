#include "proxy/check/finding_look.hpp"

#include "base/async/use_task.hpp"
#include "base/http/stream_io.hpp"

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace rouse {

void FindingLook::look(std::shared_ptr<const LoadedConfig> loaded, CheckedPlace place, Tell tell) {
  next_ = Wanted{std::move(loaded), std::move(place), std::move(tell)};
  if (!is_looking_) begin();
}

void FindingLook::begin() {
  is_looking_ = true;
  Wanted wanted = std::move(*next_);
  next_.reset();
  const auto limit =
      std::make_shared<Timer>(tasks_.executor(), std::chrono::steady_clock::now() + patience_);
  const TaskGroup::Handle asking = tasks_.spawn(ask(std::move(wanted), limit));
  // The task alone owns the timer: one that is cancelled before it has begun takes it along, and
  // the end of the program does not wait for it.
  limit->async_wait([asking](const boost::system::error_code& error) {
    if (!error) asking.cancel(asio::cancellation_type::terminal);
  });
}

Task<void> FindingLook::ask(Wanted wanted, std::shared_ptr<Timer> limit) {
  std::function<std::vector<Finding>()> job = [loaded = wanted.loaded, place = wanted.place] {
    return find_findings(*loaded, place);
  };
  std::optional<std::vector<Finding>> found = co_await call_.ask(std::move(job));
  const bool in_time = limit->cancel() > 0;
  const auto state = co_await asio::this_coro::cancellation_state;
  is_looking_ = false;
  if (is_cancelled(state) && in_time) co_return;  // by the end of the program, not by the limit
  if (!found) {
    wanted.place.files = &unseen_files();
    found = find_findings(*wanted.loaded, wanted.place);
    found->push_back({Finding::Severity::Warn,
                      {},
                      "files",
                      "the folders of programs and models do not answer: nobody looked at them",
                      "is a file system of the network mounted whose server is gone?"});
  }
  wanted.tell(std::move(*found));
  if (next_ && !is_looking_) begin();
}

}  // namespace rouse
