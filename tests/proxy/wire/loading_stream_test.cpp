#include "proxy/wire/loading_stream.hpp"

#include "proxy/wire/sse.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rouse::wire {
namespace {

using std::chrono::milliseconds;

std::string frame(const std::string& escaped) {
  return "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"" + escaped + "\"}}]}\n\n";
}

TEST(LoadingStream, SaysWhatHappensAndWhenItIsOver) {
  LoadingStream loading("qwen");
  EXPECT_EQ(loading.next(milliseconds(0), 3), frame("━━━━━\\nrouse loading model: qwen\\n"));
  EXPECT_EQ(loading.next(milliseconds(750), 3), frame("\\nQueue position: #3\\n"));
  EXPECT_EQ(loading.next(milliseconds(1500), 3), frame("."));
  EXPECT_EQ(loading.next(milliseconds(2250), 2), frame("\\nQueue position: #2\\n"));
  EXPECT_EQ(loading.next(milliseconds(3000), 1), frame("."));
  EXPECT_EQ(loading.next(milliseconds(12340), 0), frame("\\nDone! (12.34s)\\n━━━━━\\n \\n"));
  EXPECT_EQ(loading.next(milliseconds(13000), 0), kKeepAliveComment);
}

TEST(LoadingStream, OwesItsClosingLineOnceItHasBegun) {
  LoadingStream loading("qwen");
  EXPECT_EQ(loading.end(milliseconds(1)), "") << "it has said nothing";
  (void)loading.next(milliseconds(0), 1);
  EXPECT_EQ(loading.end(milliseconds(2500)), frame("\\nDone! (2.50s)\\n━━━━━\\n \\n"));
  EXPECT_EQ(loading.end(milliseconds(2500)), "");
}

TEST(LoadingStream, SaysWhatIsAmissOnce) {
  LoadingStream loading("qwen");
  (void)loading.next(milliseconds(0), 1);
  EXPECT_EQ(loading.next(milliseconds(750), 1, "answered 404"), frame("\\nqwen answered 404\\n"));
  EXPECT_EQ(loading.next(milliseconds(1500), 1, "answered 404"), frame("."));
}

TEST(LoadingStream, KeepsEveryFrameOnEventBoundaries) {
  LoadingStream loading("a\"b\n\xFF");
  EventBoundary boundary;
  for (std::size_t position : {2U, 2U, 1U, 1U, 0U, 0U}) {
    boundary.feed(loading.next(milliseconds(1), position));
    EXPECT_TRUE(boundary.at_boundary());
  }
}

}  // namespace
}  // namespace rouse::wire
