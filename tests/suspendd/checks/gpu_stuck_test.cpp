#include "base/async/use_task.hpp"
#include "base/posix.hpp"
#include "suspendd/checks/gpu.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/gpu/gpu_fixture.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A file system that never answers. Who looks into it waits in the kernel and cannot be killed,
/// just as with a GPU driver that hangs.
class SilentFileSystem {
 public:
  /// Empty: it is mounted at @p point. Otherwise what this machine lacks.
  std::string mount(const std::string& point) {
    if (::unshare(CLONE_NEWNS) != 0) return "this test may not mount";
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    fd_.reset(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!fd_) return "there is no /dev/fuse";
    const std::string options =
        "fd=" + std::to_string(fd_.get()) + ",rootmode=40000,user_id=0,group_id=0";
    if (::mount("silent", point.c_str(), "fuse.silent", MS_NOSUID, options.c_str()) != 0) {
      return std::string("no FUSE file system can be mounted: ") + std::strerror(errno);
    }
    point_ = point;
    return answer_init() ? "" : "this kernel's FUSE is another";
  }
  ~SilentFileSystem() { release(); }

  /// From here on every waiter gets an error.
  void release() {
    fd_.reset();
    if (!point_.empty()) ::umount2(point_.c_str(), MNT_DETACH);
    point_.clear();
  }
  /// What has been taken from the kernel's queue can no longer be called off.
  void take() { [[maybe_unused]] const ssize_t n = ::read(fd_.get(), room_.data(), room_.size()); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool answer_init() {
    take();
    fuse_in_header asked{};
    std::memcpy(&asked, room_.data(), sizeof asked);
    fuse_init_in init{};
    std::memcpy(&init, room_.data() + sizeof asked, sizeof init);
    fuse_out_header head{};
    fuse_init_out out{};
    out.major = FUSE_KERNEL_VERSION;
    out.minor = std::min<std::uint32_t>(init.minor, FUSE_KERNEL_MINOR_VERSION);
    out.max_readahead = init.max_readahead;
    out.max_write = 4096;
    head.len = sizeof head + sizeof out;
    head.unique = asked.unique;
    std::array<char, sizeof head + sizeof out> answer{};
    std::memcpy(answer.data(), &head, sizeof head);
    std::memcpy(answer.data() + sizeof head, &out, sizeof out);
    return asked.opcode == FUSE_INIT &&
           ::write(fd_.get(), answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
  }

  UniqueFd fd_;
  std::string point_;
  std::vector<char> room_ = std::vector<char>(FUSE_MIN_READ_BUFFER * 20);
};

Task<void> take_first_request(SilentFileSystem& system) {
  // Not for the helper: while anybody has it open, nobody is released.
  const int fd = ::fcntl(system.fd(), F_DUPFD_CLOEXEC, 0);
  asio::posix::basic_stream_descriptor<Executor> descriptor(co_await asio::this_coro::executor, fd);
  co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read, use_task);
  system.take();
}

class GpuStuckTest : public test::GpuFixture {
 protected:
  GpuStuckTest() {
    settings_.deadline = 1s;
    settings_.warm_up = 0ms;
  }
};

TEST_F(GpuStuckTest, AHelperThatCannotBeKilledIsTheOnlyOne) {
  SilentFileSystem system;
  const std::string point = dir_ / "silent";
  std::filesystem::create_directory(point);
  const std::string lack = system.mount(point);
  if (!lack.empty()) ROUSE_SKIP("fuse", lack);
  GpuProbe probe(io_.get_executor(), settings_);
  const auto check = make_gpu_check(GpuCheck(), probe, nullptr);
  state("open " + point + "/file\n");
  group_.spawn(take_first_request(system));

  const Finding hanging = run(check->look());
  EXPECT_EQ(hanging.verdict, Verdict::Unknown);
  EXPECT_THAT(hanging.reason, HasSubstr("cannot be killed"));
  EXPECT_TRUE(probe.stuck_since());

  state("");  // another helper would do fine, and is not started
  const auto asked_at = std::chrono::steady_clock::now();
  EXPECT_EQ(run(check->look()).verdict, Verdict::Unknown);
  EXPECT_FALSE(run(probe.self_test()));
  EXPECT_LT(std::chrono::steady_clock::now() - asked_at, 500ms) << "answers at once";
  run(probe.close());
  EXPECT_TRUE(probe.stuck_since());
  EXPECT_EQ(calls().find("count\n"), calls().rfind("count\n"));

  system.release();
  ASSERT_TRUE(test::wait_until([&] { return !probe.stuck_since(); }));
  EXPECT_TRUE(test::wait_until([&] { return run(check->look()).verdict == Verdict::Idle; }));
}

}  // namespace
}  // namespace rouse::suspendd
