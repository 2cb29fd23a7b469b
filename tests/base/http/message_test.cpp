#include "base/http/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rouse {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines(const Fields& fields) {
  std::vector<std::string> out;
  for (const Fields::Field& field : fields) out.push_back(field.name + ": " + field.value);
  return out;
}

TEST(Fields, KeepOrderAndCaseAndCompareWithoutCase) {
  Fields fields;
  fields.add("X-One", "1");
  fields.add("Accept", "a");
  fields.add("x-one", "2");
  EXPECT_EQ(fields.find("X-ONE"), "1");
  EXPECT_FALSE(fields.contains("X-On"));
  EXPECT_THAT(lines(fields), ElementsAre("X-One: 1", "Accept: a", "x-one: 2"));
}

TEST(Fields, SetReplacesAllOfThatName) {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.add("A", "3");
  fields.set("A", "4");
  fields.set("c", "5");
  EXPECT_THAT(lines(fields), ElementsAre("a: 4", "b: 2", "c: 5"));
  fields.erase("B");
  EXPECT_THAT(lines(fields), ElementsAre("a: 4", "c: 5"));
}

TEST(Fields, HasTokenReadsListsOfAllFields) {
  Fields fields;
  fields.add("Connection", "");
  fields.add("connection", " close ,, Upgrade\t");
  EXPECT_TRUE(fields.has_token("Connection", "upgrade"));
  EXPECT_TRUE(fields.has_token("Connection", "CLOSE"));
  EXPECT_FALSE(fields.has_token("Connection", "clos"));
  EXPECT_FALSE(fields.has_token("Connection", ""));
}

TEST(HopByHop, FieldsAndWhatConnectionNamesAreRemoved) {
  Fields fields;
  fields.add("Host", "h");
  fields.add("Connection", "");
  fields.add("Connection", "keep-alive, X-Secret");
  fields.add("Keep-Alive", "timeout=5");
  fields.add("x-secret", "1");
  fields.add("TE", "trailers");
  fields.add("Upgrade", "websocket");
  fields.add("Transfer-Encoding", "chunked");
  fields.add("Content-Length", "5");
  fields.add("Content-Type", "text/plain");
  remove_hop_by_hop(fields);
  EXPECT_THAT(lines(fields), ElementsAre("Host: h", "Content-Type: text/plain"));
}

struct TargetCase {
  std::string target, path, query;
};
TEST(RequestHead, PathAndQueryOfEachFormOfTarget) {
  const std::vector<TargetCase> cases = {
      {"/v1/models", "/v1/models", ""},
      {"/v1/models?", "/v1/models", ""},
      {"/a?b=c?d", "/a", "b=c?d"},
      {"/v1/models/org%2Fmodel", "/v1/models/org%2Fmodel", ""},
      {"*", "*", ""},
      {"http://h:80/x?y", "/x", "y"},
      {"http://h", "/", ""},
      {"http://h?q=1", "/", "q=1"},
      {"/redirect?to=http://h/x", "/redirect", "to=http://h/x"},
  };
  for (const TargetCase& each : cases) {
    RequestHead head;
    head.target = each.target;
    EXPECT_EQ(head.path(), each.path) << each.target;
    EXPECT_EQ(head.query(), each.query) << each.target;
  }
}

TEST(IsToken, HasNoBlanksAndNoSeparators) {
  EXPECT_TRUE(is_token("X-Api_Key.1!"));
  for (const char* const text : {"", "a b", "a:b", "a\n", "\u00e4", "a,b"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
}

TEST(ReasonPhrase, IsThatOfTheStatus) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(503), "Service Unavailable");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(799), "Unknown");
}

}  // namespace
}  // namespace rouse
