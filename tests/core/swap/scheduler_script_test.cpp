// Plays tests/core/swap/scripts/*.txt: long scenarios that read as what happened and what was done.
//
//   rule exclusive | pairs a+b b+c        first line; models are those that are named below
//   policy max_wait 60s queue_max 3       any time before the first event
//   model a concurrency 2 ttl 10s
//   arrive 1 a [priority N]  leave 1  ready a  gone a [why]  load a  unload a|all  shutdown
//   wait 5s                               ticks at every deadline on the way
//   > start a                             the actions of the event before, in order, all of them
//   next 1 loads when a has stopped       what the view says of a request that waits
//   # a comment

#include "tests/core/swap/scheduler_bench.hpp"
#include "tests/tree/tree.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace rouse::core::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> scripts() {
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(rouse::test::source_path("tests/core/swap/scripts"))) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<Duration> read_duration(const std::string& text) {
  std::size_t end = 0;
  const long n = std::stol(text, &end);
  const std::string unit = text.substr(end);
  if (unit == "ms") return Duration{n};
  if (unit == "s") return std::chrono::seconds(n);
  if (unit == "min") return std::chrono::minutes(n);
  return std::nullopt;
}

class Script {
 public:
  void play(const fs::path& path) {
    std::ifstream file(path);
    ASSERT_TRUE(file.is_open());
    std::string line;
    for (int number = 1; std::getline(file, line) && !testing::Test::HasFatalFailure(); ++number) {
      SCOPED_TRACE(path.filename().string() + ":" + std::to_string(number) + ": " + line);
      std::istringstream words(line);
      std::string verb;
      if (!(words >> verb) || verb.front() == '#') continue;
      if (verb == ">") {
        expect(line.substr(line.find_first_not_of("> ")));
      } else if (verb == "next") {
        check_next(words);
      } else if (verb == "rule" || verb == "policy" || verb == "model") {
        configure(verb, words);
      } else {
        check_done();
        happen(verb, words);
      }
    }
    check_done();
  }

 private:
  void configure(const std::string& verb, std::istringstream& words) {
    ASSERT_FALSE(bench_) << "configuration comes first";
    std::string key;
    std::string value;
    if (verb == "rule") {
      std::vector<std::pair<ModelId, ModelId>> allowed;
      words >> key;
      while (words >> value) {
        const auto plus = value.find('+');
        allowed.emplace_back(value.substr(0, plus), value.substr(plus + 1));
      }
      rule_ = std::make_shared<PairRule>(std::move(allowed));
      return;
    }
    ModelId model;
    if (verb == "model") {
      words >> model;
      models_[model];
    }
    while (words >> key >> value) set(model, key, value);
  }

  void set(const ModelId& model, const std::string& key, const std::string& value) {
    const std::map<std::string, std::function<void()>> keys{
        {"max_wait", [&] { policy_.max_wait = *read_duration(value); }},
        {"min_residency", [&] { policy_.min_residency = *read_duration(value); }},
        {"linger", [&] { policy_.linger = *read_duration(value); }},
        {"gather", [&] { policy_.gather = *read_duration(value); }},
        {"abandon_grace", [&] { policy_.abandon_grace = *read_duration(value); }},
        {"queue_max", [&] { policy_.queue_max = std::stoul(value); }},
        {"concurrency", [&] { models_[model].concurrency = std::stoi(value); }},
        {"priority", [&] { models_[model].priority = std::stoi(value); }},
        {"ttl", [&] { models_[model].ttl = *read_duration(value); }},
    };
    const auto it = keys.find(key);
    ASSERT_NE(it, keys.end()) << "unknown key " << key;
    it->second();
  }

  void happen(const std::string& verb, std::istringstream& words) {
    if (!bench_) bench_.emplace(models_, policy_, rule_);
    std::string first;
    words >> first;
    const auto number = [](const std::string& text) { return std::stoi(text); };
    if (verb == "arrive") {
      std::string model;
      std::string word;
      int priority = 0;
      words >> model;
      if (words >> word) words >> priority;
      done_ = bench_->arrive(number(first), model, priority);
    } else if (verb == "leave") {
      done_ = bench_->leave(number(first));
    } else if (verb == "ready") {
      done_ = bench_->ready(first);
    } else if (verb == "gone") {
      std::string why;
      std::getline(words >> std::ws, why);
      done_ = bench_->gone(first, why);
    } else if (verb == "load") {
      done_ = bench_->load(first);
    } else if (verb == "unload") {
      done_ = first == "all" ? bench_->unload_all() : bench_->unload(first);
    } else if (verb == "shutdown") {
      done_ = bench_->shut_down();
    } else if (verb == "wait") {
      done_ = bench_->wait(*read_duration(first));
    } else {
      FAIL() << "unknown verb " << verb;
    }
  }

  void expect(const std::string& text) {
    if (done_.empty()) {
      ADD_FAILURE() << "nothing more was done";
      return;
    }
    EXPECT_EQ(to_string(done_.front()), text);
    done_.erase(done_.begin());
  }

  void check_next(std::istringstream& words) {
    std::string ticket;
    std::string text;
    words >> ticket;
    std::getline(words >> std::ws, text);
    ASSERT_TRUE(bench_);
    EXPECT_EQ(bench_->next(std::stoi(ticket)), text);
  }

  void check_done() {
    for (const Action& action : done_) ADD_FAILURE() << "done, but not expected: " << action;
    done_.clear();
  }

  Policies models_;
  SchedulePolicy policy_ = plain_policy();
  std::shared_ptr<const Residency> rule_ = std::make_shared<PairRule>();
  std::optional<SchedulerBench> bench_;
  std::vector<Action> done_;
};

class SchedulerScript : public testing::TestWithParam<fs::path> {};

TEST_P(SchedulerScript, Plays) {
  Script().play(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Scripts, SchedulerScript, testing::ValuesIn(scripts()),
                         [](const auto& named) { return named.param.stem().string(); });

}  // namespace
}  // namespace rouse::core::test
