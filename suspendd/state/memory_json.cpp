#include "suspendd/state/memory_json.hpp"

#include "base/text/json_writer.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/text/json_members.hpp"

#include <boost/system/errc.hpp>
#include <simdjson.h>

#include <optional>
#include <type_traits>

namespace rouse::suspendd {

namespace {

namespace dom = simdjson::dom;
namespace policy = core::suspend;

using core::Duration;
using core::Instant;
using policy::Memory;
using policy::WallTime;

// --- writing -------------------------------------------------------------------------------------

std::int64_t number_of(Instant at) {
  return at.time_since_epoch().count();
}
std::int64_t number_of(WallTime at) {
  return at.time_since_epoch().count();
}
std::int64_t number_of(Duration span) {
  return span.count();
}
std::uint64_t number_of(std::uint64_t number) {
  return number;
}

template <class T>
void write(JsonWriter& json, std::string_view key, const std::optional<T>& value) {
  if (value) json.member(key, number_of(*value));
}

void write_record(JsonWriter& json, const policy::SleepRecord& record) {
  json.begin_object();
  json.member("at", number_of(record.at));
  json.member("woke", number_of(record.woke));
  json.member("slept", number_of(record.slept));
  json.member("ours", record.ours);
  json.member("ok", record.ok);
  json.member("detail", record.detail);
  json.member("wake", to_string(record.wake));
  json.member("source", record.source);
  json.member("expected", record.expected);
  json.member("used", record.used);
  json.member("judged", record.judged);
  json.end_object();
}

void write_in_progress(JsonWriter& json, const policy::InProgress& going) {
  json.begin_object();
  json.member("attempt", static_cast<std::uint64_t>(going.attempt));
  write(json, "epoch", going.epoch);
  json.member("commit_sent", going.commit_sent);
  json.member("suspend_sent", going.suspend_sent);
  json.member("ours", going.ours);
  json.member("hooks_ran", going.hooks_ran);
  json.member("began_monotonic", number_of(going.began.monotonic));
  json.member("began_boottime", number_of(going.began.boottime));
  json.member("began_realtime", number_of(going.began.realtime));
  json.member("reason", going.reason);
  json.end_object();
}

void write_holds(JsonWriter& json, const std::vector<policy::Hold>& holds) {
  json.key("holds");
  json.begin_array();
  for (const policy::Hold& hold : holds) {
    json.begin_object();
    json.member("token", hold.token);
    json.member("why", hold.why);
    json.member("by", hold.by);
    write(json, "until", hold.until);
    write(json, "until_wall", hold.until_wall);
    json.member("bound", hold.bound);
    json.end_object();
  }
  json.end_array();
}

// --- reading -------------------------------------------------------------------------------------

std::optional<std::int64_t> number_at(dom::element object, const char* key) {
  std::int64_t number = 0;
  if (object[key].get(number) == simdjson::SUCCESS) return number;
  return std::nullopt;
}

template <class T>
T value_at(dom::element object, const char* key) {
  const std::int64_t number = number_at(object, key).value_or(0);
  if constexpr (std::is_same_v<T, Instant> || std::is_same_v<T, WallTime>) {
    return T(Duration(number));
  } else {
    return static_cast<T>(number);
  }
}

template <class T>
std::optional<T> maybe_at(dom::element object, const char* key) {
  if (!number_at(object, key)) return std::nullopt;
  return value_at<T>(object, key);
}

template <class Enum, std::size_t N>
Enum word_at(dom::element object, const char* key, const Enum (&all)[N]) {
  const std::string text = text_of(object, key);
  for (const Enum each : all) {
    if (to_string(each) == text) return each;
  }
  return all[N - 1];
}

constexpr policy::WakeReason kWakes[] = {policy::WakeReason::Wol, policy::WakeReason::Rtc,
                                         policy::WakeReason::PowerButton, policy::WakeReason::Other,
                                         policy::WakeReason::Unknown};
constexpr policy::BlockCause kCauses[] = {
    policy::BlockCause::NotReady,      policy::BlockCause::GpuFailed,
    policy::BlockCause::SpuriousWakes, policy::BlockCause::HookFailed,
    policy::BlockCause::Unproven,      policy::BlockCause::Failures};

policy::SleepRecord read_record(dom::element object) {
  policy::SleepRecord record;
  record.at = value_at<WallTime>(object, "at");
  record.woke = value_at<Instant>(object, "woke");
  record.slept = Duration(value_at<std::int64_t>(object, "slept"));
  record.ours = truth_of(object, "ours", true);
  record.ok = truth_of(object, "ok");
  record.detail = text_of(object, "detail");
  record.wake = word_at(object, "wake", kWakes);
  record.source = text_of(object, "source");
  record.expected = truth_of(object, "expected");
  record.used = truth_of(object, "used");
  record.judged = truth_of(object, "judged");
  return record;
}

policy::InProgress read_in_progress(dom::element object) {
  policy::InProgress going;
  going.attempt = static_cast<policy::Attempt>(value_at<std::uint64_t>(object, "attempt"));
  going.epoch = maybe_at<std::uint64_t>(object, "epoch");
  going.commit_sent = truth_of(object, "commit_sent");
  going.suspend_sent = truth_of(object, "suspend_sent");
  going.ours = truth_of(object, "ours", true);
  going.hooks_ran = truth_of(object, "hooks_ran");
  going.began.monotonic = value_at<Instant>(object, "began_monotonic");
  going.began.boottime = value_at<Instant>(object, "began_boottime");
  going.began.realtime = value_at<WallTime>(object, "began_realtime");
  going.reason = text_of(object, "reason");
  return going;
}

policy::Hold read_hold(dom::element object) {
  policy::Hold hold;
  hold.token = text_of(object, "token");
  hold.why = text_of(object, "why");
  hold.by = text_of(object, "by");
  hold.until = maybe_at<Instant>(object, "until");
  hold.until_wall = maybe_at<WallTime>(object, "until_wall");
  hold.bound = truth_of(object, "bound");
  return hold;
}

void read_lists(dom::element root, Memory& memory) {
  dom::array list;
  if (root["wakes"].get(list) == simdjson::SUCCESS) {
    for (const dom::element each : list) memory.wakes.push_back(read_record(each));
  }
  if (root["holds"].get(list) == simdjson::SUCCESS) {
    for (const dom::element each : list) memory.holds.push_back(read_hold(each));
  }
}

}  // namespace

std::string to_json(const Memory& memory) {
  JsonWriter json;
  json.begin_object();
  json.member("boot_id", memory.boot_id);
  json.member("attempts", memory.attempts);
  json.member("failures", memory.failures);
  json.member("last_failure", memory.last_failure);
  write(json, "retry_at", memory.retry_at);
  if (memory.block) {
    json.key("block");
    json.begin_object();
    json.member("cause", to_string(memory.block->cause));
    json.member("reason", memory.block->reason);
    json.member("since", number_of(memory.block->since));
    json.end_object();
  }
  if (memory.in_progress) {
    json.key("in_progress");
    write_in_progress(json, *memory.in_progress);
  }
  if (memory.unreported_resume) {
    json.key("untold");
    json.begin_object();
    json.member("attempt", static_cast<std::uint64_t>(memory.unreported_resume->attempt));
    write(json, "epoch", memory.unreported_resume->epoch);
    json.member("slept", number_of(memory.unreported_resume->slept));
    json.member("wake", to_string(memory.unreported_resume->wake));
    json.end_object();
  }
  if (memory.last_suspend) {
    json.key("last_suspend");
    write_record(json, *memory.last_suspend);
  }
  json.key("wakes");
  json.begin_array();
  for (const policy::SleepRecord& record : memory.wakes) write_record(json, record);
  json.end_array();
  write_holds(json, memory.holds);
  json.member("agreed", memory.agreed);
  write(json, "wake_proof", memory.wake_proof);
  json.end_object();
  return json.take();
}

Result<Memory> memory_from_json(std::string_view text) {
  dom::parser parser;
  dom::element root;
  const simdjson::padded_string padded(text);
  const bool is_object = parser.parse(padded).get(root) == simdjson::SUCCESS && root.is_object();
  if (!is_object) {
    return Error{make_error_code(boost::system::errc::bad_message), "reading JSON"};
  }
  Memory memory;
  memory.boot_id = text_of(root, "boot_id");
  memory.attempts = value_at<std::uint64_t>(root, "attempts");
  memory.failures = value_at<int>(root, "failures");
  memory.last_failure = text_of(root, "last_failure");
  memory.retry_at = maybe_at<Instant>(root, "retry_at");
  memory.agreed = truth_of(root, "agreed");
  memory.wake_proof = maybe_at<WallTime>(root, "wake_proof");
  dom::element below;
  if (root["block"].get(below) == simdjson::SUCCESS) {
    memory.block = policy::Block{word_at(below, "cause", kCauses), text_of(below, "reason"),
                                 value_at<WallTime>(below, "since")};
  }
  if (root["in_progress"].get(below) == simdjson::SUCCESS) {
    memory.in_progress = read_in_progress(below);
  }
  if (root["untold"].get(below) == simdjson::SUCCESS) {
    memory.unreported_resume = policy::UnreportedResume{
        static_cast<policy::Attempt>(value_at<std::uint64_t>(below, "attempt")),
        maybe_at<std::uint64_t>(below, "epoch"), Duration(value_at<std::int64_t>(below, "slept")),
        word_at(below, "wake", kWakes)};
  }
  if (root["last_suspend"].get(below) == simdjson::SUCCESS) {
    memory.last_suspend = read_record(below);
  }
  read_lists(root, memory);
  return memory;
}

}  // namespace rouse::suspendd
