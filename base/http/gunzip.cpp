#include "base/http/gunzip.hpp"

#include "base/text/ascii.hpp"

#include <boost/beast/zlib/inflate_stream.hpp>

#include <array>

namespace rouse {

namespace {

namespace zlib = boost::beast::zlib;

constexpr std::size_t kHeadMax = 64 * 1024;
constexpr std::size_t kFixedHead = 10;  // RFC 1952
constexpr unsigned kHasHeadSum = 2;
constexpr unsigned kHasExtra = 4;
constexpr unsigned kHasName = 8;
constexpr unsigned kHasComment = 16;

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

/// Of a gzip head; nullopt: it goes on. One that is none has the size 0.
std::optional<std::size_t> gzip_head_size(std::string_view text) {
  if (text.size() < kFixedHead) return std::nullopt;
  if (!text.starts_with("\x1f\x8b\x08")) return 0;
  const unsigned flags = byte_at(text, 3);
  std::size_t at = kFixedHead;
  if ((flags & kHasExtra) != 0) {
    if (text.size() < at + 2) return std::nullopt;
    at += 2 + byte_at(text, at) + 256 * byte_at(text, at + 1);
  }
  for (const unsigned has : {kHasName, kHasComment}) {
    if ((flags & has) == 0) continue;
    const std::size_t end = text.find('\0', at);
    if (end == std::string_view::npos) return std::nullopt;
    at = end + 1;
  }
  if ((flags & kHasHeadSum) != 0) at += 2;
  return text.size() < at ? std::nullopt : std::optional(at);
}

}  // namespace

struct Gunzip::Inflater {
  zlib::inflate_stream stream;
};

Gunzip::Gunzip(bool is_gzip) : is_gzip_(is_gzip), inflater_(std::make_unique<Inflater>()) {}
Gunzip::Gunzip(Gunzip&&) noexcept = default;
Gunzip& Gunzip::operator=(Gunzip&&) noexcept = default;
Gunzip::~Gunzip() = default;

std::optional<Gunzip> Gunzip::for_coding(std::string_view coding) {
  const std::string name = to_lower(coding);
  if (name == "gzip" || name == "x-gzip") return Gunzip(true);
  if (name == "deflate") return Gunzip(false);
  return std::nullopt;
}

std::optional<std::size_t> Gunzip::head_size() const {
  if (is_gzip_) return gzip_head_size(head_);
  // The zlib head, which some servers leave out.
  if (head_.size() < 2) return std::nullopt;
  const bool is_zlib =
      (byte_at(head_, 0) & 0x0F) == 8 && (256 * byte_at(head_, 0) + byte_at(head_, 1)) % 31 == 0;
  return is_zlib ? 2 : 0;
}

std::string Gunzip::feed(std::string_view piece) {
  std::string out;
  if (is_dead_ || piece.empty()) return out;
  if (!is_begun_) {
    head_ += piece;
    const std::optional<std::size_t> size = head_size();
    is_dead_ = (!size && head_.size() > kHeadMax) || (is_gzip_ && size == 0U);
    if (!size || is_dead_) return out;
    is_begun_ = true;
    piece = std::string_view(head_).substr(*size);
  }
  std::array<char, 16 * 1024> room;
  zlib::z_params params;
  params.next_in = piece.data();
  params.avail_in = piece.size();
  while (!is_dead_) {
    params.next_out = room.data();
    params.avail_out = room.size();
    boost::system::error_code error;
    inflater_->stream.write(params, zlib::Flush::sync, error);
    const std::size_t got = room.size() - params.avail_out;
    out.append(room.data(), got);
    unpacked_ += got;
    is_dead_ = error && error != zlib::error::need_buffers;
    if (unpacked_ > kMost) is_dead_ = true;
    if (error || (params.avail_in == 0 && got < room.size())) break;
  }
  head_.clear();
  return out;
}

}  // namespace rouse
