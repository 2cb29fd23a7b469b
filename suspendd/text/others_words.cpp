#include "suspendd/text/others_words.hpp"

#include "base/text/text_table.hpp"

namespace rouse::suspendd {

namespace {

constexpr std::size_t kBytesLookedAt = 4096;
constexpr std::size_t kColumnsMost = 500;

}  // namespace

std::string others_words(std::string_view text) {
  return cut_text(one_line(text.substr(0, kBytesLookedAt)), kColumnsMost);
}

}  // namespace rouse::suspendd
