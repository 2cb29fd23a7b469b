#include "base/http/gunzip.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPlain = R"({"usage":{"prompt_tokens":12,"completion_tokens":3}})";
// With a name in its head.
constexpr std::string_view kGzip =
    "\x1f\x8b\x08\x08\x00\x00\x00\x00\x02\xff\x6e\x61\x6d\x65\x00\xab\x56\x2a\x2d\x4e"
    "\x4c\x4f\x55\xb2\xaa\x56\x2a\x28\xca\xcf\x2d\x28\x89\x2f\xc9\xcf\x4e\xcd\x2b\x56"
    "\xb2\x32\x34\xd2\x51\x4a\x06\x8a\xe4\xa4\x96\x64\xe6\xe7\xc1\x85\x8d\x6b\x6b\x01"
    "\x44\x0e\x23\x9d\x34\x00\x00\x00"sv;
constexpr std::string_view kZlib =
    "\x78\x9c\xab\x56\x2a\x2d\x4e\x4c\x4f\x55\xb2\xaa\x56\x2a\x28\xca\xcf\x2d\x28\x89"
    "\x2f\xc9\xcf\x4e\xcd\x2b\x56\xb2\x32\x34\xd2\x51\x4a\x06\x8a\xe4\xa4\x96\x64\xe6"
    "\xe7\xc1\x85\x8d\x6b\x6b\x01\xf4\x95\x13\x04"sv;
constexpr std::string_view kRaw =
    "\xab\x56\x2a\x2d\x4e\x4c\x4f\x55\xb2\xaa\x56\x2a\x28\xca\xcf\x2d\x28\x89\x2f\xc9"
    "\xcf\x4e\xcd\x2b\x56\xb2\x32\x34\xd2\x51\x4a\x06\x8a\xe4\xa4\x96\x64\xe6\xe7\xc1"
    "\x85\x8d\x6b\x6b\x01"sv;

std::string unpacked(std::string_view coding, std::string_view bytes, std::size_t step) {
  std::optional<Gunzip> gunzip = Gunzip::for_coding(coding);
  if (!gunzip) return "none";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step)
    out += gunzip->feed(bytes.substr(at, step));
  return out;
}

TEST(Gunzip, UnpacksWhateverThePieces) {
  for (std::size_t step = 1; step < 100; ++step) {
    EXPECT_EQ(unpacked("gzip", kGzip, step), kPlain) << step;
    EXPECT_EQ(unpacked("X-GZip", kGzip, step), kPlain) << step;
    EXPECT_EQ(unpacked("deflate", kZlib, step), kPlain) << step;
    EXPECT_EQ(unpacked("deflate", kRaw, step), kPlain) << step;
  }
}

TEST(Gunzip, GivesNothingOfWhatIsNoSuchBody) {
  EXPECT_EQ(unpacked("gzip", kPlain, 7), "");
  EXPECT_EQ(unpacked("gzip", kZlib, 7), "");
  EXPECT_EQ(
      unpacked("gzip", "\x1f\x8b\x08\x08\x00\x00\x00\x00\x02\xff" + std::string(70'000, 'x'), 999),
      "")
      << "a name without an end";
  EXPECT_EQ(unpacked("br", kGzip, 7), "none");
  EXPECT_EQ(unpacked("", kGzip, 7), "none");
  std::string broken(kGzip);
  broken[25] = '\x7f';
  (void)unpacked("gzip", broken, 7);
}

TEST(Gunzip, WhatFollowsTheEndIsNothing) {
  EXPECT_EQ(unpacked("gzip", std::string(kGzip) + "more and more", 9), kPlain);
}

}  // namespace
}  // namespace rouse
