#include "proxy/config/check_report.hpp"

#include <gmock/gmock.h>
#include <simdjson.h>

namespace rouse {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kMatrix =
    "models:\n  a: {cmd: \"x ${PORT}\", aliases: [gpt, claude]}\n"
    "  longer: {cmd: \"x ${PORT}\", ttl: 90, unlisted: true, concurrencyLimit: 4}\n"
    "  e: {cmd: x, proxy: \"unix:/run/e.sock\"}\n"
    "matrix: {sets: {s: (a | longer) & e}}\nlogRequests: true\n";

TEST(CheckReport, IsALignedPlan) {
  const LoadedConfig loaded = parse_config(kMatrix, "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_EQ(check_report(loaded),
            "3 models\n"
            "  model   address           at once  unloads after  also\n"
            "  a       localhost:5800    10       -              gpt, claude\n"
            "  e       unix:/run/e.sock  10       -\n"
            "  longer  localhost:5801    4        1m30s          (unlisted)\n"
            "\n"
            "sets\n"
            "  s\n"
            "    a + e\n"
            "    e + longer\n"
            "\n"
            "who can stand beside whom\n"
            "  a       e\n"
            "  e       a, longer\n"
            "  longer  e\n"
            "\n"
            "accepted, but without effect in this version\n"
            "  logRequests\n");
}

TEST(CheckReport, SaysWhoIsAloneAndWhatGroupsDo) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}, k: {cmd: \"x ${PORT}\"}}\n"
      "groups: {keep: {swap: false, exclusive: false, persistent: true, members: [k]}}\n",
      "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  const std::string report = check_report(loaded);
  EXPECT_THAT(report, HasSubstr("groups\n"
                                "  keep       all at once; is not stopped by others  k\n"
                                "  (default)  one at a time; stops other groups      a, b\n"));
  EXPECT_THAT(report, HasSubstr("  a  k\n  b  k\n  k  a, b\n"));
  EXPECT_THAT(report, Not(HasSubstr("without effect")));
}

TEST(CheckReport, OfNothingIsShort) {
  EXPECT_EQ(check_report(parse_config("", "c.yaml")), "0 models\n");
}

TEST(CheckReport, ManyAlternativesAreCutShort) {
  std::string text = "models:\n";
  std::string set;
  for (int i = 0; i < 60; ++i) {
    text += "  m" + std::to_string(i) + ": {cmd: \"x ${PORT}\"}\n";
    set += (i == 0 ? "" : " | ") + ("m" + std::to_string(i));
  }
  const LoadedConfig loaded = parse_config(text + "matrix: {sets: {s: " + set + "}}\n", "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(check_report(loaded), HasSubstr("    m23\n    … and more\n"));
}

TEST(CheckReportJson, HoldsThePlan) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string json = check_report_json(parse_config(kMatrix, "c.yaml"));
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  const auto at = [&](const char* pointer) {
    return simdjson::minify(root.at_pointer(pointer).value());
  };
  EXPECT_EQ(at("/ok"), "true");
  EXPECT_EQ(at("/models/0/port"), "5800");
  EXPECT_EQ(at("/models/0/aliases"), R"(["gpt","claude"])");
  EXPECT_EQ(at("/models/1/port"), "null");
  EXPECT_EQ(at("/models/1/beside"), R"(["a","longer"])");
  EXPECT_EQ(at("/sets/0/alternatives"), R"([["a","e"],["e","longer"]])");
  EXPECT_EQ(at("/sets/0/more"), "false");
  EXPECT_EQ(at("/unsupported"), R"(["logRequests"])");
  EXPECT_EQ(at("/problems"), "[]");
}

TEST(CheckReportJson, OfErrorsHoldsTheProblems) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(check_report_json(parse_config("startPort: x\n", "c.yaml"))).get(root),
            simdjson::SUCCESS);
  EXPECT_EQ(simdjson::minify(root.at_pointer("/ok").value()), "false");
  EXPECT_EQ(simdjson::minify(root.at_pointer("/problems/0").value()),
            R"({"severity":"error","file":"c.yaml","line":1,"column":12,"path":"startPort",)"
            R"("text":"expected a whole number from 1 to 65535, got \"x\""})");
}

}  // namespace
}  // namespace rouse
