#include "proxy/access/own_keys.hpp"

#include "base/text/sha256.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;

std::shared_ptr<const Config> with_key() {
  const LoadedConfig loaded = parse_config(
      fmt::format("keys: {{agent: {{sha256: {}}}}}", hex_of(sha256("k/e+y="))), "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config;
}

/// What is left of these fields.
std::vector<std::string> left(std::initializer_list<Fields::Field> fields) {
  Fields all;
  for (const Fields::Field& field : fields) all.add(field.name, field.value);
  remove_own_keys(*with_key(), all);
  std::vector<std::string> texts;
  for (const Fields::Field& field : all) texts.push_back(field.name + ": " + field.value);
  return texts;
}

TEST(OwnKeys, AreKnownInEveryForm) {
  for (const Fields::Field& field :
       std::initializer_list<Fields::Field>{{"Authorization", "Bearer k/e+y="},
                                            {"authorization", "bearer   k/e+y="},
                                            {"Authorization", "k/e+y="},
                                            {"Authorization", "Token k/e+y="},
                                            {"Authorization", "Basic eDprL2UreT0="},
                                            {"Proxy-Authorization", "Bearer k/e+y="},
                                            {"x-api-key", "k/e+y="},
                                            {"api-key", "k/e+y="},
                                            {"x-goog-api-key", "k/e+y="},
                                            {"X-Auth-Token", " k/e+y= "},
                                            {"Cookie", "rouse=k/e+y="},
                                            {"Cookie", "k%2Fe%2By%3D"},
                                            {"Referer", "http://h/?a=b&api_key=k%2Fe%2By%3D"},
                                            {"Referer", "http://h/x#key=k/e+y="},
                                            {"Referer", "http://h/p?k%2Fe%2By%3D"}}) {
    EXPECT_TRUE(holds_own_key(*with_key(), field)) << field.name << ": " << field.value;
    EXPECT_THAT(left({field, {"accept", "*/*"}}), ElementsAre("accept: */*"));
  }
}

TEST(OwnKeys, WhatIsNoKeyOfOursStays) {
  EXPECT_THAT(
      left({{"authorization", "Bearer theirs"}, {"x-api-key", "theirs"}, {"cookie", "a=b"}}),
      ElementsAre("authorization: Bearer theirs", "x-api-key: theirs", "cookie: a=b"));
  EXPECT_THAT(left({{"cookie", "a=b; key=k/e+y=; c=d"}, {"referer", "http://h/?a=b"}}),
              ElementsAre("referer: http://h/?a=b", "cookie: a=b; c=d"));
}

TEST(OwnKeys, AreTakenOutOfQueries) {
  const auto target = [](std::string_view text) { return without_own_keys(*with_key(), text); };
  EXPECT_EQ(target("/v1/x?api_key=k%2Fe%2By%3D"), "/v1/x");
  EXPECT_EQ(target("/v1/x?a=1&key=k/e%2By=&b=2"), "/v1/x?a=1&b=2");
  EXPECT_EQ(target("/v1/x?token=Bearer+k%2Fe%2By%3D&b"), "/v1/x?b");
  for (const char* const same : {"/v1/x", "/v1/x?", "/v1/x?a=1&&b=&c", "/v1/x?key=theirs"}) {
    EXPECT_EQ(target(same), same);
  }
}

TEST(OwnKeys, OurFieldsAreOurs) {
  Fields fields;
  fields.add("X-Rouse-Not-Executed", "suspending");
  fields.add("x-rouse-cold-start", "none");
  fields.add("x-rouser", "stays");
  remove_own_fields(fields);
  EXPECT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields.find("x-rouser"), "stays");
}

}  // namespace
}  // namespace rouse
