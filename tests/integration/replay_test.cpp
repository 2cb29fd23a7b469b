// Recorded sessions of real clients against rouse with one place for a model. The waits are a
// hundredth of the real ones, in the engines and in the configuration alike; with
// ROUSE_REPLAY_REAL_TIME=1 they are the real ones (run the program itself then, for ctest has a
// limit).

#include "tests/integration/recorded_world.hpp"
#include "tests/support/client_trace.hpp"
#include "tests/support/engine_record.hpp"

#include <gmock/gmock.h>

#include <strings.h>

#include <cstdlib>
#include <set>
#include <tuple>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

int scale() {
  return std::getenv("ROUSE_REPLAY_REAL_TIME") == nullptr ? 100 : 1;
}

milliseconds scaled(milliseconds real) {
  return real / scale();
}

/// What its client got when it was recorded, or takes as well as that.
int expected_status(const TraceRequest& request) {
  static const std::set<std::string> kNotThere = {"/api/hello",           "/v1/moderations",
                                                  "/v1/conversations",    "/v1/files",
                                                  "/v1/responses/resp_1", "/v1/responses/compact"};
  if (!request.header("upgrade").empty()) return 426;
  return kNotThere.contains(request.target) ? 404 : 200;
}

bool reaches_engine(const TraceRequest& request) {
  return request.method == "POST" && expected_status(request) == 200;
}

void expect_answered(const TraceRequest& request, const Replayed& result) {
  SCOPED_TRACE(request.target);
  const ProbeResponse& answer = result.answer;
  EXPECT_EQ(answer.status, expected_status(request));
  EXPECT_TRUE(answer.clean() || result.left_before_end) << static_cast<int>(answer.end);
  if (!reaches_engine(request)) return;
  if (!request.stream) {
    EXPECT_THAT(answer.body, Not(HasSubstr("keep-alive")));
    return;
  }
  EXPECT_EQ(answer.header("content-type"), "text/event-stream");
  EXPECT_THAT(answer.body, HasSubstr(last_event(request)));
  EXPECT_THAT(answer.body, EndsWith("\n\n"));
}

/// The header names that belong to a connection, or that rouse has its own words for.
bool is_per_hop(const std::string& name) {
  for (const char* const each :
       {"host", "connection", "content-length", "accept-encoding", "expect"}) {
    if (::strcasecmp(name.c_str(), each) == 0) return true;
  }
  return false;
}

/// Whether what the client wrote is all there, in its order and spelling.
void expect_same_headers(const TraceRequest& request, const EngineRequest& seen) {
  auto at = seen.headers.begin();
  for (const auto& header : request.headers) {
    if (is_per_hop(header.first)) continue;
    const auto found = std::find(at, seen.headers.end(), header);
    ASSERT_NE(found, seen.headers.end()) << header.first << ": " << header.second;
    at = found + 1;
  }
}

/// Each request that was for a model was at an engine once, to the byte.
void expect_delivered(const ClientTrace& trace, const std::vector<Replayed>& results,
                      std::vector<EngineRequest> seen) {
  for (std::size_t i = 0; i < trace.requests.size(); ++i) {
    const TraceRequest& request = trace.requests[i];
    if (!results[i].was_sent || !reaches_engine(request)) continue;
    SCOPED_TRACE(request.target);
    const std::string hash = record_hash(request.body);
    const auto found = std::find_if(seen.begin(), seen.end(), [&](const EngineRequest& one) {
      return one.target == request.target && one.body_hash == hash;
    });
    ASSERT_NE(found, seen.end());
    EXPECT_EQ(found->body_bytes, request.body.size());
    expect_same_headers(request, *found);
    seen.erase(found);
  }
  EXPECT_THAT(seen.size(), 0u) << "no request may be sent twice";
}

/// No engine is started that nobody asks for, nor more often than the requests change the model.
void expect_few_starts(const ClientTrace& trace, const std::vector<std::string>& started) {
  std::size_t changes = 0;
  std::set<std::string> wanted;
  std::string last;
  for (const TraceRequest& request : trace.requests) {
    if (!reaches_engine(request)) continue;
    wanted.insert(request.model);
    if (request.model != last) ++changes;
    last = request.model;
  }
  EXPECT_GE(started.size(), wanted.size());
  EXPECT_LE(started.size(), changes) << testing::PrintToString(started);
}

class RecordedSession : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(RecordedSession, IsAnswered) {
  const ClientTrace trace = read_client_trace(std::get<0>(GetParam()));
  const seconds load(std::get<1>(GetParam()));
  const TempDir dir;
  World world(one_place(load, scale(), dir / "record"));
  const std::vector<Replayed> results = replay(trace, world.port(), scale(), scaled(600s) + 30s);
  bool first = true;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const TraceRequest& request = trace.requests[i];
    if (!results[i].was_sent) continue;
    expect_answered(request, results[i]);
    if (reaches_engine(request) && std::exchange(first, false) && load == 90s) {
      const auto head_after = results[i].answer.head_at - results[i].sent_at;
      if (request.stream) {
        EXPECT_LT(head_after, scaled(load));
        EXPECT_THAT(results[i].answer.body, StartsWith(": keep-alive\n\n"));
      } else {
        EXPECT_GE(head_after, scaled(load));
      }
    }
  }
  expect_delivered(trace, results, read_engine_record(dir / "record"));
  expect_few_starts(trace, starts(world.log()));
  EXPECT_THAT(world.get("/api/queue").body, HasSubstr(R"("waiting":[])"));
}

std::string session_name(const testing::TestParamInfo<RecordedSession::ParamType>& info) {
  std::string name = fmt::format("{}_{}s", std::get<0>(info.param), std::get<1>(info.param));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Clients, RecordedSession,
                         testing::Combine(testing::ValuesIn(client_trace_names()),
                                          testing::Values(0, 20, 90)),
                         session_name);

// --- what is loaded, and in which order
// -----------------------------------------------------------

struct Order {
  const char* session;
  std::vector<std::string> starts;
};

void PrintTo(const Order& order, std::ostream* out) {
  *out << order.session;
}

class RecordedOrder : public testing::TestWithParam<Order> {};

TEST_P(RecordedOrder, OfLoadsIsAsFewAsThePolicyAllows) {
  constexpr int kScale = 10;
  const ClientTrace trace = read_client_trace(GetParam().session);
  const TempDir dir;
  World world(one_place(5s, kScale, dir / "record"));
  const std::vector<Replayed> results = replay(trace, world.port(), kScale, 30s);
  for (std::size_t i = 0; i < results.size(); ++i) expect_answered(trace.requests[i], results[i]);
  EXPECT_EQ(starts(world.log()), GetParam().starts) << world.log();
}

INSTANTIATE_TEST_SUITE_P(
    Clients, RecordedOrder,
    testing::Values(
        // The title comes first and lets the turn go first.
        Order{"claude-code.tui-first-turn", {"local-big", "local-small"}},
        // Title and turn are for the same model.
        Order{"claude-code.tui-default-models", {"local-big"}},
        Order{"codex.tui-first-turn", {"local-big"}},
        // A subagent of the small model, beside one of the big, between turns of the big.
        Order{"claude-code.print-two-subagents", {"local-big", "local-small", "local-big"}},
        // Agents of three models ask within a moment: the first takes the room of the model that
        // the second wants, since nobody knows yet that this client asks for several things at
        // once.
        Order{"claude-code.print-default-models-agents",
              {"local-big", "local-small", "local-big", "local-sonnet", "local-big"}},
        // Its title comes seconds before its turn.
        Order{"opencode.run-chat-slow", {"local-small", "local-big"}},
        Order{"opencode.run-two-subagents", {"local-small", "local-big"}}));

}  // namespace
}  // namespace rouse::test
