#include "proxy/telemetry/activity/captures.hpp"

#include "base/text/json_writer.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <vector>

namespace rouse {

namespace {

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // it ends it with a NUL
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  auto* to = reinterpret_cast<unsigned char*>(text.data());
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(to, from, static_cast<int>(bytes.size()))));
  return text;
}

std::size_t size_of(const Capture& capture) {
  std::size_t size = capture.path.size() + capture.request_body.size() + capture.answer_body.size();
  for (const Fields* fields : {&capture.request, &capture.answer}) {
    for (const Fields::Field& field : *fields) size += field.name.size() + field.value.size();
  }
  return size + sizeof(Capture);
}

Fields redacted(const Fields& fields, const std::function<bool(const Fields::Field&)>& is_secret) {
  Fields shown;
  for (const Fields::Field& field : fields) {
    shown.add(field.name, is_secret(field) ? kRedacted : shown_value(field));
  }
  return shown;
}

void write_fields(JsonWriter& json, std::string_view key, const Fields& fields) {
  // Several fields of one name are one list (RFC 9110 §5.3).
  std::vector<Fields::Field> joined;
  for (const Fields::Field& field : fields) {
    const auto it = std::find_if(joined.begin(), joined.end(), [&](const auto& other) {
      return equal_without_case(other.name, field.name);
    });
    if (it == joined.end()) {
      joined.push_back(field);
    } else {
      it->value += ", " + field.value;
    }
  }
  json.key(key);
  json.begin_object();
  for (const Fields::Field& field : joined) json.member(field.name, field.value);
  json.end_object();
}

}  // namespace

std::string_view shown_value(const Fields::Field& field) {
  static constexpr std::array<std::string_view, 7> kSecret{
      "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key",
      "api-key",       "x-goog-api-key"};
  const bool is_secret = std::any_of(kSecret.begin(), kSecret.end(), [&](std::string_view name) {
    return equal_without_case(name, field.name);
  });
  return is_secret ? kRedacted : std::string_view(field.value);
}

void Captures::set_bytes_max(std::size_t bytes_max) {
  bytes_max_ = bytes_max;
  shrink(0);
}

void Captures::shrink(std::size_t room) {
  while (!kept_.empty() && bytes_ + room > bytes_max_) {
    bytes_ -= size_of(kept_.front());
    kept_.pop_front();
  }
}

void Captures::keep(Capture capture, const std::function<bool(const Fields::Field&)>& is_secret) {
  capture.request = redacted(capture.request, is_secret);
  capture.answer = redacted(capture.answer, is_secret);
  const std::size_t size = size_of(capture);
  if (size > bytes_max_) return;
  shrink(size);
  bytes_ += size;
  kept_.push_back(std::move(capture));
}

const Capture* Captures::find(std::int64_t id) const {
  const auto it = std::find_if(kept_.begin(), kept_.end(),
                               [id](const Capture& capture) { return capture.id == id; });
  return it == kept_.end() ? nullptr : &*it;
}

const std::string* Captures::model_of(std::int64_t id) const {
  const Capture* const found = find(id);
  return found == nullptr ? nullptr : &found->model;
}

std::string Captures::json(std::int64_t id) const {
  const Capture* const it = find(id);
  if (it == nullptr) return {};
  JsonWriter json;
  json.begin_object();
  json.member("id", it->id);
  json.member("req_path", it->path);
  write_fields(json, "req_headers", it->request);
  json.member("req_body", base64(it->request_body));
  write_fields(json, "resp_headers", it->answer);
  json.member("resp_body", base64(it->answer_body));
  json.end_object();
  return json.take();
}

}  // namespace rouse
