#include "suspendd/bus/bus_message.hpp"

#include "suspendd/bus/bus_error.hpp"

#include <systemd/sd-bus.h>

#include <fcntl.h>

namespace rouse::suspendd {
namespace {

std::string text_or_empty(const char* text) {
  return text != nullptr ? std::string(text) : std::string();
}

}  // namespace

BusMessage::BusMessage(sd_bus_message* message) : message_(sd_bus_message_ref(message)) {}

BusMessage::BusMessage(const BusMessage& other) : BusMessage(other.message_) {}

BusMessage::~BusMessage() {
  sd_bus_message_unref(message_);
}

std::string BusMessage::sender() const {
  return text_or_empty(sd_bus_message_get_sender(message_));
}

BusReader::BusReader(const BusMessage& message) : message_(message.get()) {
  good_ = message_ != nullptr && sd_bus_message_rewind(message_, 1) >= 0;
}

/// Zero is "no more values here", which is as wrong as a negative errno where one was asked for.
bool BusReader::ok(int result) {
  good_ = good_ && result > 0;
  return good_;
}

std::string BusReader::string() {
  const char* text = nullptr;
  if (!good_ || !ok(sd_bus_message_read_basic(message_, 's', &text))) return {};
  return text;
}

std::string BusReader::path() {
  const char* text = nullptr;
  if (!good_ || !ok(sd_bus_message_read_basic(message_, 'o', &text))) return {};
  return text;
}

bool BusReader::boolean() {
  int value = 0;
  return good_ && ok(sd_bus_message_read_basic(message_, 'b', &value)) && value != 0;
}

std::uint32_t BusReader::u32() {
  std::uint32_t value = 0;
  return good_ && ok(sd_bus_message_read_basic(message_, 'u', &value)) ? value : 0;
}

std::uint64_t BusReader::u64() {
  std::uint64_t value = 0;
  return good_ && ok(sd_bus_message_read_basic(message_, 't', &value)) ? value : 0;
}

UniqueFd BusReader::fd() {
  int borrowed = -1;
  if (!good_ || !ok(sd_bus_message_read_basic(message_, 'h', &borrowed))) return {};
  UniqueFd copy(::fcntl(borrowed, F_DUPFD_CLOEXEC, 3));
  if (!copy) good_ = false;
  return copy;
}

void BusReader::array(const char* contents) {
  if (good_) ok(sd_bus_message_enter_container(message_, SD_BUS_TYPE_ARRAY, contents));
}

void BusReader::structure(const char* contents) {
  if (good_) ok(sd_bus_message_enter_container(message_, SD_BUS_TYPE_STRUCT, contents));
}

void BusReader::entry(const char* contents) {
  if (good_) ok(sd_bus_message_enter_container(message_, SD_BUS_TYPE_DICT_ENTRY, contents));
}

void BusReader::variant(const char* contents) {
  if (good_) ok(sd_bus_message_enter_container(message_, SD_BUS_TYPE_VARIANT, contents));
}

bool BusReader::more() {
  if (!good_) return false;
  const int at_end = sd_bus_message_at_end(message_, 0);
  if (at_end < 0) good_ = false;
  return at_end == 0;
}

void BusReader::leave() {
  // Zero and above are both success here.
  if (good_) good_ = sd_bus_message_exit_container(message_) >= 0;
}

void BusReader::skip(const char* types) {
  if (good_) good_ = sd_bus_message_skip(message_, types) >= 0;
}

Result<void> BusReader::finish(std::string_view what) const {
  if (good_) return {};
  std::string doing = "reading ";
  doing += what;
  if (message_ != nullptr) {
    doing += " from an answer of type \"";
    doing += text_or_empty(sd_bus_message_get_signature(message_, 1));
    doing += '"';
  }
  return bus_error(BusErrc::BadReply, std::move(doing));
}

}  // namespace rouse::suspendd
