#include "base/async/hangable_call.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <pthread.h>
#include <signal.h>  // pthread_sigmask()
#include <sys/eventfd.h>
#include <unistd.h>

namespace rouse {

/// What the loop and the thread share. The thread only writes to the descriptor at its end: it
/// touches nothing of the loop's, which may be gone by then.
struct HangableCall::Away {
  std::function<void()> run;
  UniqueFd bell;
  std::atomic<bool> is_back{false};
};

namespace {

/// Runs @p main in a thread that nobody waits for: one that hangs in the kernel can be neither
/// ended nor joined. All signals are left to the other threads.
bool start_thread(void* (*main)(void*), void* argument) {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return false;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const bool started = ::pthread_create(&thread, &attributes, main, argument) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  return started;
}

}  // namespace

bool HangableCall::is_away() const {
  return away_ != nullptr && !away_->is_back.load(std::memory_order_acquire);
}

Task<bool> HangableCall::make(std::function<void()> run) {
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  co_await asio::this_coro::throw_if_cancelled(false);
  if (is_away()) co_return false;
  const auto away = std::make_shared<Away>();
  away->run = std::move(run);
  away->bell = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  UniqueFd ear(::dup(away->bell.get()));
  if (!away->bell || !ear) co_return false;
  auto argument = std::make_unique<std::shared_ptr<Away>>(away);
  const auto main = [](void* given) -> void* {
    const std::unique_ptr<std::shared_ptr<Away>> ours(static_cast<std::shared_ptr<Away>*>(given));
    Away& call = **ours;
    call.run();
    call.is_back.store(true, std::memory_order_release);
    ::eventfd_write(call.bell.get(), 1);
    return nullptr;
  };
  if (!start_thread(main, argument.get())) co_return false;
  static_cast<void>(argument.release());
  away_ = away;
  Descriptor descriptor(executor_, ear.release());
  // A wait may end early: Asio may give it an event of an earlier descriptor of the same number.
  while (is_away()) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return false;
    auto [error] = co_await descriptor.async_wait(Descriptor::wait_read, use_task);
    if (error) co_return false;
  }
  co_return true;
}

}  // namespace rouse
