#include "tests/fake_logind/fake.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace rouse::test::fake_logind {
namespace {

bool lists(const std::string& colon_list, const std::string& kind) {
  return (":" + colon_list + ":").find(":" + kind + ":") != std::string::npos;
}

std::string job_path(std::uint32_t job) {
  return "/org/freedesktop/systemd1/job/" + std::to_string(job);
}

/// A call for the log: member, signature, arguments of simple types.
std::string call_text(sd_bus_message* message) {
  std::string text = sd_bus_message_get_member(message);
  const char* const signature = sd_bus_message_get_signature(message, 1);
  text += std::string("(") + signature + ")";
  for (const char* type = signature; *type != '\0' && *type != 'a'; ++type) {
    if (*type == 's') {
      const char* value = nullptr;
      sd_bus_message_read_basic(message, 's', &value);
      text += " " + escape(value != nullptr ? value : "");
    } else if (*type == 'b') {
      int value = 0;
      sd_bus_message_read_basic(message, 'b', &value);
      text += value != 0 ? " true" : " false";
    } else if (*type == 't') {
      std::uint64_t value = 0;
      sd_bus_message_read_basic(message, 't', &value);
      text += " " + std::to_string(value);
    }
  }
  sd_bus_message_rewind(message, 1);
  return text;
}

/// Returns when the machine is awake again. False: the kernel refused.
bool suspend_to_ram() {
  std::ofstream state("/sys/power/state");
  state << "mem" << std::flush;
  return state.good();
}

}  // namespace

bool Inhibitor::is(const std::string& kind, const std::string& of_mode) const {
  return mode == of_mode && lists(what, kind);
}

bool Fake::install() {
  if (version_ < 256) {
    ex_slot_.reset();
    return true;
  }
  if (ex_slot_) return true;
  sd_bus_slot* slot = nullptr;
  const int r = add_list_sessions_ex(bus_.get(), &slot, *this);
  ex_slot_.reset(slot);
  return r >= 0;
}

bool Fake::join() {
  sd_bus* bus = nullptr;
  if (sd_bus_new(&bus) < 0) return false;
  bus_.reset(bus);
  return sd_bus_set_address(bus, address_.c_str()) >= 0 && sd_bus_set_bus_client(bus, 1) >= 0 &&
         sd_bus_start(bus) >= 0 && add_objects(bus, *this) && install() &&
         sd_bus_request_name(bus, kSystemd, 0) >= 0 &&
         (!is_logind_ || sd_bus_request_name(bus, kLogin, 0) >= 0);
}

void Fake::leave() {
  hung_.clear();
  ex_slot_.reset();
  bus_.reset();
}

void Fake::after(milliseconds delay, std::function<void()> what) {
  timers_.emplace(Clock::now() + delay, std::move(what));
}

std::vector<int> Fake::turn(const std::vector<int>& descriptors) {
  while (bus_ && sd_bus_process(bus_.get(), nullptr) > 0) {
    if (std::exchange(leave_soon_, false)) leave();
  }
  if (bus_ && sd_bus_is_open(bus_.get()) <= 0) leave();
  while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
    const auto due = std::move(timers_.extract(timers_.begin()).mapped());
    due();
  }
  flush();

  std::vector<pollfd> polled;
  for (const int fd : descriptors) polled.push_back({fd, POLLIN, 0});
  if (bus_) {
    polled.push_back(
        {sd_bus_get_fd(bus_.get()), static_cast<short>(sd_bus_get_events(bus_.get())), 0});
  }
  for (const Inhibitor& inhibitor : inhibitors_) {
    if (inhibitor.read_end >= 0) polled.push_back({inhibitor.read_end, 0, 0});
  }
  int wait = -1;
  if (!timers_.empty()) {
    const auto left = std::chrono::ceil<milliseconds>(timers_.begin()->first - Clock::now());
    wait = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }
  ::poll(polled.data(), polled.size(), wait);
  drop_released_locks();
  std::vector<int> readable;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (polled[i].revents != 0) readable.push_back(polled[i].fd);
  }
  return readable;
}

void Fake::flush() {
  if (bus_) sd_bus_flush(bus_.get());
}

int Fake::on_property(const std::string& name, sd_bus_error* error) {
  const auto it = tricks_.find(name);
  if (it == tricks_.end() || it->second.times == 0) return 0;
  if (it->second.times > 0) --it->second.times;
  return sd_bus_error_set(error, it->second.name.c_str(), it->second.text.c_str());
}

int Fake::on_method(sd_bus_message* message, sd_bus_error* error) {
  calls_.push_back(call_text(message));
  const auto it = tricks_.find(sd_bus_message_get_member(message));
  if (it == tricks_.end() || it->second.times == 0) return serve(message, error);
  Trick& trick = it->second;
  if (trick.times > 0) --trick.times;
  const auto kept = std::make_shared<MessagePtr>(sd_bus_message_ref(message));
  switch (trick.kind) {
    case Trick::Kind::Fail:
      return sd_bus_error_set(error, trick.name.c_str(), trick.text.c_str());
    case Trick::Kind::Hang:
      hung_.push_back(std::move(*kept));
      return 1;
    case Trick::Kind::Leave:
      leave_soon_ = true;
      return 1;
    case Trick::Kind::Delay:
      after(trick.delay, [this, kept] {
        sd_bus_error late{};
        if (!bus_ || sd_bus_message_get_bus(kept->get()) != bus_.get()) return;
        if (serve(kept->get(), &late) < 0) sd_bus_reply_method_error(kept->get(), &late);
        sd_bus_error_free(&late);
      });
      return 1;
  }
  return -EINVAL;
}

int Fake::serve(sd_bus_message* message, sd_bus_error* error) {
  const std::string member = sd_bus_message_get_member(message);
  if (member == "CanSuspend") {
    return sd_bus_reply_method_return(message, "s", can_suspend_.c_str());
  }
  if (member == "Suspend" || member == "SuspendWithFlags") return suspend(message, error);
  if (member == "Inhibit") return inhibit(message, error);
  if (member == "ListInhibitors") return list_inhibitors(message);
  if (member == "LoadUnit") return load_unit(message, error);
  if (member == "StartUnit" || member == "StartTransientUnit") return start_unit(message);
  if (member == "Subscribe") return sd_bus_reply_method_return(message, "");
  return list_sessions(message, member == "ListSessionsEx");
}

int Fake::suspend(sd_bus_message* message, sd_bus_error* error) {
  if (state_ != State::Awake) {
    return sd_bus_error_set(error, "org.freedesktop.login1.OperationInProgress",
                            "There's already a shutdown or sleep operation in progress");
  }
  if (can_suspend_ == "na") {
    return sd_bus_error_set(error, "org.freedesktop.login1.SleepVerbNotSupported",
                            "Sleep verb 'suspend' not supported");
  }
  const auto blocks = [](const Inhibitor& each) { return each.is("sleep", "block"); };
  if (version_ >= 257 && std::any_of(inhibitors_.begin(), inhibitors_.end(), blocks)) {
    return sd_bus_error_set(error, "org.freedesktop.login1.BlockedByInhibitorLock",
                            "Operation denied due to active block inhibitor");
  }
  if (sleep_ != Sleep::Never) {
    state_ = State::Preparing;
    ++operation_;
    tell_prepare(true);
    after(std::chrono::duration_cast<milliseconds>(std::chrono::microseconds(delay_max_us)),
          [this, which = operation_] {
            if (state_ != State::Preparing || which != operation_) return;
            last_delay_ = "timeout";
            fall_asleep();
          });
    // After the reply, as logind starts its job then.
    last_delay_ = "none";
    after(milliseconds(0), [this] { go_on_if_unlocked(); });
  }
  return sd_bus_reply_method_return(message, "");
}

void Fake::go_on_if_unlocked() {
  const auto delays = [](const Inhibitor& each) { return each.is("sleep", "delay"); };
  if (state_ != State::Preparing) return;
  if (std::any_of(inhibitors_.begin(), inhibitors_.end(), delays)) {
    last_delay_ = "released";  // if they are, before the time is over
    return;
  }
  fall_asleep();
}

void Fake::fall_asleep() {
  state_ = State::Asleep;
  if (sleep_ == Sleep::Aborts) return wake_up(false);
  if (sleep_ == Sleep::Real) {
    const bool slept = suspend_to_ram();
    sleeps_ += slept ? 1 : 0;
    return wake_up(slept);
  }
  ++sleeps_;
  if (sleep_ == Sleep::Wakes) {
    after(sleep_for_, [this, which = operation_] {
      if (which == operation_) wake_up(true);
    });
  }
}

void Fake::wake_up(bool slept) {
  if (state_ != State::Asleep) return;
  state_ = State::Awake;
  ++operation_;
  Unit& service = units_["systemd-suspend.service"];
  service.result = slept ? "success" : "exit-code";
  service.exec_main_status = slept ? 0 : 1;
  tell_prepare(false);
}

void Fake::tell_prepare(bool start) {
  preparing = start;
  if (!bus_) return;
  sd_bus_emit_signal(bus_.get(), kLoginPath, kManager, "PrepareForSleep", "b", start ? 1 : 0);
}

int Fake::inhibit(sd_bus_message* message, sd_bus_error* error) {
  const char *what = nullptr, *who = nullptr, *why = nullptr, *mode = nullptr;
  if (const int r = sd_bus_message_read(message, "ssss", &what, &who, &why, &mode); r < 0) return r;
  Inhibitor made{what, who, why, mode};
  const bool is_delay = made.mode == "delay";
  if ((made.mode != "block" && !is_delay && made.mode != "block-weak") ||
      (is_delay && !made.is("sleep", "delay") && !made.is("shutdown", "delay"))) {
    return sd_bus_error_set(error, "org.freedesktop.DBus.Error.InvalidArgs",
                            "Invalid mode specification");
  }
  if (state_ != State::Awake && lists(made.what, "sleep")) {
    return sd_bus_error_set(error, "org.freedesktop.login1.OperationInProgress",
                            "The operation inhibition has been requested for is already running");
  }
  sd_bus_creds* creds = nullptr;
  if (sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID | SD_BUS_CREDS_PID, &creds) >= 0) {
    uid_t uid = 0;
    pid_t pid = 0;
    sd_bus_creds_get_euid(creds, &uid);
    sd_bus_creds_get_pid(creds, &pid);
    made.uid = uid;
    made.pid = static_cast<std::uint32_t>(pid);
    sd_bus_creds_unref(creds);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  made.read_end = ends[0];
  inhibitors_.push_back(std::move(made));
  const int r = sd_bus_reply_method_return(message, "h", ends[1]);
  ::close(ends[1]);  // the message has its own
  return r;
}

void Fake::drop_released_locks() {
  const auto released = [](const Inhibitor& each) {
    pollfd look{each.read_end, 0, 0};
    return each.read_end >= 0 && ::poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0;
  };
  const auto dropped = std::erase_if(inhibitors_, [&](const Inhibitor& each) {
    return released(each) && ::close(each.read_end) == 0;
  });
  if (dropped > 0) go_on_if_unlocked();
}

std::string Fake::inhibited(const std::string& mode) const {
  std::string all;
  for (const char* const kind : {"shutdown", "sleep", "idle"}) {
    const auto is = [&](const Inhibitor& each) { return each.is(kind, mode); };
    if (!std::any_of(inhibitors_.begin(), inhibitors_.end(), is)) continue;
    all += all.empty() ? kind : std::string(":") + kind;
  }
  return all;
}

int Fake::list_inhibitors(sd_bus_message* message) {
  sd_bus_message* raw = nullptr;
  int r = sd_bus_message_new_method_return(message, &raw);
  const MessagePtr reply(raw);
  if (r >= 0) r = sd_bus_message_open_container(raw, 'a', "(ssssuu)");
  for (const Inhibitor& each : inhibitors_) {
    if (r < 0) break;
    r = sd_bus_message_append(raw, "(ssssuu)", each.what.c_str(), each.who.c_str(),
                              each.why.c_str(), each.mode.c_str(), each.uid, each.pid);
  }
  if (r >= 0) r = sd_bus_message_close_container(raw);
  return r < 0 ? r : sd_bus_send(nullptr, raw, nullptr);
}

int Fake::list_sessions(sd_bus_message* message, bool ex) {
  const char* const types = ex ? "(sussussbto)" : "(susso)";
  sd_bus_message* raw = nullptr;
  int r = sd_bus_message_new_method_return(message, &raw);
  const MessagePtr reply(raw);
  if (r >= 0) r = sd_bus_message_open_container(raw, 'a', types);
  for (const auto& [id, each] : sessions_) {
    if (r < 0) break;
    const std::string path = encoded(kSessionRoot, id);
    r = ex ? sd_bus_message_append(raw, types, id.c_str(), each.uid, each.user.c_str(),
                                   each.seat.c_str(), each.leader, each.session_class.c_str(),
                                   each.tty.c_str(), each.idle_hint ? 1 : 0, each.idle_since,
                                   path.c_str())
           : sd_bus_message_append(raw, types, id.c_str(), each.uid, each.user.c_str(),
                                   each.seat.c_str(), path.c_str());
  }
  if (r >= 0) r = sd_bus_message_close_container(raw);
  return r < 0 ? r : sd_bus_send(nullptr, raw, nullptr);
}

int Fake::load_unit(sd_bus_message* message, sd_bus_error* error) {
  const char* name = nullptr;
  if (const int r = sd_bus_message_read(message, "s", &name); r < 0) return r;
  const std::string unit = name;
  if (unit.find('.') == std::string::npos || unit.find_first_of("/ \n") != std::string::npos) {
    return sd_bus_error_setf(error, "org.freedesktop.DBus.Error.InvalidArgs",
                             "Unit name %s is not valid.", name);
  }
  if (!units_.contains(unit)) units_[unit] = Unit{.load = "not-found", .file = ""};
  return sd_bus_reply_method_return(message, "o", encoded(kUnitRoot, unit).c_str());
}

/// The job of suspend.target ends when the test says so; others at once.
int Fake::start_unit(sd_bus_message* message) {
  const char *name = nullptr, *mode = nullptr;
  if (const int r = sd_bus_message_read(message, "ss", &name, &mode); r < 0) return r;
  const std::string unit = name;
  const std::uint32_t job = ++last_job_;
  if (unit == "suspend.target") {
    suspend_job_ = job;
  } else {
    units_[unit] = Unit{.active = "active", .sub = "running"};
    after(milliseconds(0), [this, job, unit] { finish_job(job, unit, "done"); });
  }
  return sd_bus_reply_method_return(message, "o", job_path(job).c_str());
}

void Fake::finish_job(std::uint32_t job, const std::string& unit, const std::string& result) {
  if (!bus_) return;
  sd_bus_emit_signal(bus_.get(), kSystemdPath, kSystemdManager, "JobRemoved", "uoss", job,
                     job_path(job).c_str(), unit.c_str(), result.c_str());
}

Session* Fake::session_at(const std::string& path) {
  for (auto& [id, session] : sessions_) {
    if (encoded(kSessionRoot, id) == path) return &session;
  }
  return nullptr;
}

Unit* Fake::unit_at(const std::string& path) {
  for (auto& [name, unit] : units_) {
    if (encoded(kUnitRoot, name) == path) return &unit;
  }
  return nullptr;
}

}  // namespace rouse::test::fake_logind
