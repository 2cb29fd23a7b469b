#include "suspendd/relay/service.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse::suspendd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kMac = "3c:7c:3f:12:34:56";

RelayRules rules_of(const RelayOptions& options) {
  std::vector<std::string> problems;
  RelayRules rules = relay_rules(options, problems);
  EXPECT_THAT(problems, IsEmpty());
  return rules;
}

std::vector<std::string> problems_of(const RelayOptions& options) {
  std::vector<std::string> problems;
  static_cast<void>(relay_rules(options, problems));
  return problems;
}

RequestHead post(const std::string& token = "secret") {
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/wake";
  head.fields.add("content-type", "application/json; charset=utf-8");
  if (!token.empty()) head.fields.add("authorization", "bearer " + token);
  return head;
}

// --- options -------------------------------------------------------------------------------------

TEST(RelayRules, OthersReachARelayWithATokenOnly) {
  for (const char* host : {"0.0.0.0", "192.168.1.2", "::", "", "relay.lan"}) {
    RelayOptions options;
    options.host = host;
    EXPECT_THAT(problems_of(options), ElementsAre(HasSubstr("needs a token"))) << host;
    options.token = "secret";
    EXPECT_THAT(problems_of(options), IsEmpty()) << host;
  }
  for (const char* host : {"127.0.0.1", "127.0.0.2", "::1", "localhost"}) {
    RelayOptions options;
    options.host = host;
    EXPECT_THAT(problems_of(options), IsEmpty()) << host;
  }
}

TEST(RelayRules, ATokenFileHasItInItsFirstLine) {
  const test::TempDir dir;
  RelayOptions options;
  options.host = "0.0.0.0";
  options.token_file = dir.write("token", "from-a-file \nmore\n");
  EXPECT_EQ(rules_of(options).token, sha256("from-a-file"));
  options.token_file = dir.write("empty", "\n");
  EXPECT_THAT(problems_of(options), ElementsAre(HasSubstr("is empty")));
  options.token_file = dir / "none";
  EXPECT_THAT(problems_of(options), ElementsAre(HasSubstr("cannot read a token from")));
  options.token = "hush";
  EXPECT_THAT(problems_of(options),
              ElementsAre(AllOf(HasSubstr("one of them"), Not(HasSubstr("hush"))),
                          HasSubstr("cannot read")));
}

TEST(RelayRules, EveryFaultIsTold) {
  RelayOptions options;
  options.macs = {kMac, "x"};
  options.interface = "a-name-that-is-too-long";
  options.source = "here";
  options.broadcast = {"10.0.0.255", "there"};
  options.packets_per_minute = 0;
  EXPECT_THAT(problems_of(options),
              ElementsAre(HasSubstr("\"x\" is no MAC"), HasSubstr("is no interface's name"),
                          HasSubstr("the source \"here\""), HasSubstr("address \"there\""),
                          HasSubstr("packets per minute")));
}

// --- requests ------------------------------------------------------------------------------------

struct Body {
  const char* name;
  const char* text;
  const char* why;
};
class RelayBody : public testing::TestWithParam<Body> {};

TEST_P(RelayBody, IsRefusedWithItsFault) {
  const auto request = parse_relay_request(GetParam().text);
  ASSERT_FALSE(request);
  EXPECT_THAT(request.error().doing, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    All, RelayBody,
    testing::Values(
        Body{"Nothing", "", "is no JSON"}, Body{"List", "[1]", "no JSON object"},
        Body{"NoMac", "{}", "macs: whom to wake is missing"},
        Body{"EmptyMacs", R"({"macs":[]})", "macs: whom to wake is missing"},
        Body{"BadMac", R"({"mac":"x"})", "mac: \"x\" is no MAC address"},
        Body{"MacNumber", R"({"macs":[1]})", "macs: expected texts"},
        Body{"Port", R"({"mac":"3c7c3f123456","port":70000})", "port: expected numbers from 1"},
        Body{"PortText", R"({"mac":"3c7c3f123456","ports":["9"]})", "ports: expected numbers"},
        Body{"NoPort", R"({"mac":"3c7c3f123456","port":0})", "port: expected numbers"},
        Body{"ManyAddresses",
             R"({"mac":"3c7c3f123456","broadcast":["10.0.0.1","10.0.0.2","10.0.0.3","10.0.0.4",)"
             R"("10.0.0.5","10.0.0.6","10.0.0.7","10.0.0.8","10.0.0.9"]})",
             "broadcast: 8 at most"},
        Body{"NegativePort", R"({"mac":"3c7c3f123456","port":-9})", "port: expected numbers"},
        Body{"Broadcast", R"({"mac":"3c7c3f123456","broadcast":"fe80::1"})",
             "broadcast: expected IPv4"},
        Body{"SecureOn", R"({"mac":"3c7c3f123456","secureon":"x"})", "secureon: is no SecureOn"},
        Body{"Unknown", R"({"mac":"3c7c3f123456","tcp":1})", "tcp: no such member"},
        Body{"ManyPorts", R"({"mac":"3c7c3f123456","ports":[1,2,3,4,5,6,7,8,9]})",
             "ports: 8 at most"}),
    [](const auto& info) { return info.param.name; });

TEST(RelayRequestText, ManyMachinesAreTooMany) {
  std::string macs;
  for (int i = 0; i < 16; ++i) macs += fmt::format("{}\"3c7c3f1234{:02x}\"", i == 0 ? "" : ",", i);
  EXPECT_TRUE(parse_relay_request("{\"macs\":[" + macs + "]}"));
  macs += ",\"3c7c3f1234ff\"";
  EXPECT_THAT(parse_relay_request("{\"macs\":[" + macs + "]}").error().doing,
              HasSubstr("macs: 16 at most"));
}

TEST(RelayRequestText, OneOrAListOfEach) {
  const auto one = parse_relay_request(
      R"({"mac":"3c7c3f123456","port":7,"broadcast":"10.0.0.255","secureon":"1.2.3.4"})");
  ASSERT_TRUE(one) << one.error().doing;
  EXPECT_THAT(one->macs, ElementsAre(*MacAddress::parse(kMac)));
  EXPECT_THAT(one->ports, ElementsAre(7));
  EXPECT_EQ(one->broadcast.at(0).to_string(), "10.0.0.255");
  EXPECT_EQ(one->secureon, *SecureOn::parse("1.2.3.4"));
  const auto lists = parse_relay_request(
      R"({"macs":["3c7c3f123456","3c7c3f123457","3C:7C:3F:12:34:56"],"ports":[9,7],)"
      R"("broadcast":[],"secureon":null})");
  ASSERT_TRUE(lists) << lists.error().doing;
  EXPECT_EQ(lists->macs.size(), 2u);
  EXPECT_THAT(lists->ports, ElementsAre(9, 7));
}

// --- the service ---------------------------------------------------------------------------------

class RelayServiceTest : public testing::Test {
 protected:
  static RelayOptions options() {
    RelayOptions options;
    options.token = "secret";
    options.macs = {kMac};
    options.interface = "no-such-dev";  // nothing leaves this machine
    options.packets_per_minute = 60;
    return options;
  }
  void at(std::chrono::milliseconds time) { now_ = start_ + time; }
  int status_of(const RequestHead& head) {
    const auto answer = service_.refusal(head, now_);
    return answer ? answer->status : 0;
  }

  const RelayService::Clock::time_point start_{std::chrono::hours(1)};
  RelayService::Clock::time_point now_ = start_;
  RelayService service_{rules_of(options()), start_};
};

TEST_F(RelayServiceTest, NobodyGetsInWithoutTheToken) {
  EXPECT_EQ(status_of(post()), 0);
  EXPECT_EQ(status_of(post("")), 401);
  EXPECT_EQ(status_of(post("Secret")), 401);
  EXPECT_EQ(status_of(post("secret ")), 401);
  RequestHead basic = post("");
  basic.fields.add("authorization", "secret");
  EXPECT_EQ(status_of(basic), 401);
  const auto answer = service_.refusal(post("hush"), now_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->fields.find("www-authenticate"), "Bearer realm=\"rouse-suspendd relay\"");
  EXPECT_THAT(answer->body + answer->log, Not(HasSubstr("hush")));
}

TEST_F(RelayServiceTest, OtherRequestsAreToldWhatThereIs) {
  RequestHead elsewhere = post();
  elsewhere.target = "/v1/sleep";
  EXPECT_EQ(status_of(elsewhere), 404);
  RequestHead get = post();
  get.method = "GET";
  const auto answer = service_.refusal(get, now_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 405);
  EXPECT_EQ(answer->fields.find("allow"), "POST");
  RequestHead form = post();
  form.fields.set("content-type", "text/plain");
  EXPECT_EQ(status_of(form), 415);
  RequestHead health;
  health.method = "GET";
  health.target = "/health";
  EXPECT_EQ(status_of(health), 200);
  RequestHead ill = post();
  ill.target = "/health";
  EXPECT_EQ(status_of(ill), 404);
}

TEST_F(RelayServiceTest, AJsonBodyMayHaveParameters) {
  for (const char* const type : {"application/json", "Application/JSON ; charset=utf-8"}) {
    RequestHead head = post();
    head.fields.set("content-type", type);
    EXPECT_EQ(status_of(head), 0) << type;
  }
}

TEST_F(RelayServiceTest, OnlyMachinesOnTheListAreWoken) {
  const RelayAnswer other = service_.answer(R"({"macs":["3c7c3f123456","3c7c3f123457"]})", now_);
  EXPECT_EQ(other.status, 403);
  EXPECT_THAT(other.body, HasSubstr("mac_not_allowed"));
  EXPECT_THAT(other.body, HasSubstr("3c:7c:3f:12:34:57"));
  EXPECT_EQ(service_.answer("{}", now_).status, 400);
}

TEST_F(RelayServiceTest, WithoutAListAnyMachineIsWokenWhereItIsAskedFor) {
  RelayOptions any = options();
  any.macs = {};
  RelayService service(rules_of(any), start_);
  const RelayAnswer answer =
      service.answer(R"({"macs":["3c7c3f123457"],"broadcast":["10.9.8.255"],"port":7})", now_);
  EXPECT_EQ(answer.status, 502);
  EXPECT_THAT(answer.body, HasSubstr("10.9.8.255:7"));
}

TEST_F(RelayServiceTest, WhenNothingCouldBeSentThatIsSaid) {
  const RelayAnswer answer = service_.answer(R"({"mac":"3c7c3f123456"})", now_);
  EXPECT_EQ(answer.status, 502);
  EXPECT_THAT(answer.body, HasSubstr(R"("message":"0 of 1 packets sent; 255.255.255.255:9 on )"));
  EXPECT_THAT(answer.body, HasSubstr("there is no interface no-such-dev here"));
  EXPECT_THAT(answer.log, HasSubstr(kMac));
}

TEST_F(RelayServiceTest, AMinuteHasSoManyPackets) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(status_of(post()), 0) << i;
    static_cast<void>(service_.answer(R"({"mac":"3c7c3f123456"})", now_));
  }
  const auto refused = service_.refusal(post(), now_);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->fields.find("retry-after"), "1");
  at(std::chrono::milliseconds(999));
  EXPECT_EQ(status_of(post()), 429);
  at(std::chrono::milliseconds(1001));
  EXPECT_EQ(status_of(post()), 0);
  // What many packets at once took is owed.
  static_cast<void>(service_.answer(R"({"mac":"3c7c3f123456","ports":[1,2,3,4,5,6,7,8]})", now_));
  const auto owing = service_.refusal(post(), now_);
  ASSERT_TRUE(owing);
  EXPECT_EQ(owing->fields.find("retry-after"), "8");
  at(std::chrono::minutes(10));
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(status_of(post()), 0) << i;
    static_cast<void>(service_.answer(R"({"mac":"3c7c3f123456"})", now_));
  }
  EXPECT_EQ(status_of(post()), 429) << "what was not used is not kept for ever";
}

}  // namespace
}  // namespace rouse::suspendd
