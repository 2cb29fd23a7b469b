#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rouse::wire {

/// The first byte in [@p at, @p end) that means something inside a JSON string: a quote, a
/// backslash or a control character; @p end if there is none. Bodies of megabytes are nearly all
/// strings, so this loop is what finding a model costs.
inline const char* find_special(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // min(byte, 0x1f) is the byte itself for control characters only.
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes));
    const int mask = _mm_movemask_epi8(special);
    if (mask != 0) return at + std::countr_zero(static_cast<unsigned>(mask));
  }
#else
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  for (; end - at >= 8; at += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, sizeof(bytes));
    const std::uint64_t quote = bytes ^ (kOnes * '"');
    const std::uint64_t backslash = bytes ^ (kOnes * '\\');
    // The high bit of a byte is set where it was zero, or below 0x20.
    const std::uint64_t special = ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) |
                                  ((bytes - kOnes * 0x20) & ~bytes);
    if ((special & (kOnes * 0x80)) != 0) break;
  }
#endif
  while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

/// The first quote, brace or bracket in [@p at, @p end); @p end if there is none.
inline const char* find_bracket(const char* at, const char* end) {
  const auto is_one = [](char c) {
    return c == '"' || c == '{' || c == '}' || c == '[' || c == ']';
  };
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  const __m128i bit = _mm_set1_epi8(0x20);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i folded = _mm_or_si128(bytes, bit);  // makes braces of brackets
    const __m128i found =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote),
                     _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close)));
    const int mask = _mm_movemask_epi8(found);
    if (mask != 0) return at + std::countr_zero(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && !is_one(*at)) ++at;
  return at;
}

}  // namespace rouse::wire
