// Every route × method × caller × page, against a table that was written by hand.
#include "base/text/sha256.hpp"
#include "proxy/wire/route.hpp"
#include "tests/proxy/api/api_world.hpp"
#include "tests/tree/tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace rouse {
namespace {

struct Row {
  std::string path;
  std::string methods;  ///< "GET,HEAD", "any"
  std::string scope;    ///< "-": none
  std::string pages;    ///< any, listed, named
  std::string models;   ///< none, asked, shown, every
};

std::vector<Row> table() {
  std::ifstream file(test::source_path("tests/data/rights.txt"));
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Row row;
    words >> row.path >> row.methods >> row.scope >> row.pages >> row.models;
    rows.push_back(row);
  }
  return rows;
}

struct Asker {
  std::string name;              ///< the text of its key; "": it shows none
  std::set<std::string> scopes;  ///< none: it is nobody's key
  bool is_bounded = false;       ///< it may use one model
};

const std::vector<Asker>& askers() {
  static const std::vector<Asker> all{
      {"", {}},
      {"wrong", {}},
      {"infers", {"infer", "list"}},
      {"infers-some", {"infer", "list"}, true},
      {"observes", {"observe", "list"}},
      {"controls", {"control"}},
      {"wakes", {"wake"}},
      {"lists", {"list"}},
      {"captures", {"captures"}},
      {"all", {"infer", "observe", "control", "wake", "list", "captures"}},
      {"all-of-some", {"infer", "observe", "control", "wake", "list", "captures"}, true},
  };
  return all;
}

enum class Page { None, Own, Foreign };

class RightsWalk : public ApiWorld {
 protected:
  void start_with(const std::string& rest) {
    // Nothing of it runs: whoever may ask is told that there is no such model, or that it may not.
    start(
        "models: {mine: {cmd: /no/such/program, proxy: \"http://127.0.0.1:1\"}, other: {cmd: "
        "/no/such/program, proxy: \"http://127.0.0.1:1\"}}\n" +
        rest);
  }
  static std::string keys() {
    std::string text = "keys:\n";
    for (const Asker& asker : askers()) {
      if (asker.scopes.empty()) continue;
      text += fmt::format("  {}: {{sha256: {}, scopes: [{}]{}}}\n", asker.name,
                          hex_of(sha256(asker.name)), fmt::join(asker.scopes, ", "),
                          asker.is_bounded ? ", models: [mine]" : "");
    }
    return text;
  }

  /// "200", or "403 CODE"; @p model: what is asked for where the route is about one.
  std::string ask_for(const Row& row, const std::string& method, const Asker& asker, Page page,
                      const std::string& model = "nobody") {
    ++asked_;
    std::string path = row.path;
    if (path.ends_with('*')) path.replace(path.size() - 1, 1, model);
    if (path.starts_with("/upstream/")) path += "/x";
    std::string fields;
    if (!asker.name.empty()) fields += "X-Api-Key: " + asker.name + "\r\n";
    if (page == Page::Own) fields += "Origin: http://127.0.0.1:8080\r\n";
    if (page == Page::Foreign) fields += "Origin: http://evil.example\r\n";
    const std::string body =
        R"({"input":"x","prompt":"x","messages":[],"model":")" + model + R"("})";
    const bool has_body = method != "GET" && method != "HEAD" && method != "OPTIONS";
    connect_client();
    say(fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n{}", method,
                    row.methods == "GET,HEAD" ? path + "?model=" + model : path, fields) +
        (has_body ? fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body) : "\r\n"));
    const bool is_stream = path.ends_with("/events") || path.starts_with("/logs/stream");
    std::string answer = client_hears("\r\n\r\n");
    const int status = std::stoi(answer.substr(9, 3));
    if (!is_stream || status != 200) answer = client_hears_end();
    hang_up();
    if (status != 403) return std::to_string(status);
    // By its words: not every dialect has codes.
    static const std::pair<const char*, const char*> kWhy[]{
        {"web pages of", "origin_forbidden"},
        {"wants the scope", "scope_missing"},
        {"may not use the model", "model_forbidden"},
        {"about all models", "model_forbidden"}};
    for (const auto& [words, code] : kWhy) {
      if (answer.find(words) != std::string::npos) return fmt::format("403 {}", code);
    }
    return "403";
  }

  static std::string expected(const Row& row, const Asker& asker, Page page, bool has_keys,
                              bool has_cors) {
    const bool is_bound = row.pages == "named" || (row.pages == "listed" && has_cors);
    if (page == Page::Foreign && is_bound) return "403 origin_forbidden";
    if (!has_keys || row.scope == "-") return "may";
    if (asker.scopes.empty()) return "401";
    if (!asker.scopes.contains(row.scope)) return "403 scope_missing";
    if (asker.is_bounded && row.models == "every") return "403 model_forbidden";
    return "may";
  }

  /// All that the rows allow, by @p who on pages.
  void walk(const std::vector<Asker>& who, bool has_keys, bool has_cors) {
    static const std::vector<std::string> kAll{"GET",   "HEAD",   "POST",   "PUT",
                                               "PATCH", "DELETE", "OPTIONS"};
    std::map<std::string, int> counts;
    for (const Row& row : table()) {
      for (const std::string& method : kAll) {
        if (row.methods != "any" && row.methods.find(method) == std::string::npos) continue;
        for (const Asker& asker : who) {
          for (const Page page : {Page::None, Page::Own, Page::Foreign}) {
            // Its answer says nothing but what browsers ask beforehand, unless it is the engine's.
            const bool is_preflight = method == "OPTIONS" && row.models != "asked";
            const std::string wanted =
                is_preflight ? "may" : expected(row, asker, page, has_keys, has_cors);
            std::string got = ask_for(row, method, asker, page);
            ++counts[got];
            if (method == "HEAD" && got == "403" && wanted.starts_with("403")) got = wanted;
            const bool may = got != "401" && !got.starts_with("403") && got != "405";
            EXPECT_EQ(may ? "may" : got, wanted)
                << method << " " << row.path << " by \"" << asker.name << "\" from "
                << (page == Page::None  ? "no page"
                    : page == Page::Own ? "its own page"
                                        : "a foreign page")
                << ": " << got;
          }
        }
      }
    }
    std::string told;
    for (const auto& [answer, count] : counts) told += fmt::format(" {}: {}", answer, count);
    RecordProperty("answers", told);
    std::printf("%d requests:%s\n", asked_, told.c_str());
  }

  int asked_ = 0;
};

TEST(Rights, TheTableHasEveryRouteAndNoOther) {
  std::vector<std::string> ours;
  std::vector<std::string> theirs;
  for (const Row& row : table()) ours.push_back(row.path + " " + row.methods);
  for (const wire::Route& route : wire::all_routes()) {
    std::string methods(route.methods == "*" ? "any" : route.methods);
    std::replace(methods.begin(), methods.end(), ' ', ',');
    theirs.push_back(std::string(route.path) + " " + methods);
  }
  EXPECT_THAT(ours, testing::UnorderedElementsAreArray(theirs));
}

TEST_F(RightsWalk, WithKeysEveryCallerMayWhatTheTableSays) {
  start_with(keys());
  walk(askers(), true, false);
}

TEST_F(RightsWalk, WithAListOfOriginsPagesElsewhereOnlyRead) {
  start_with(keys() + "cors: {origins: [\"http://chat.example\"]}\n");
  walk({askers().front(), askers()[9]}, true, true);
}

TEST_F(RightsWalk, WithoutKeysPagesElsewhereControlNothing) {
  start_with("");
  walk({askers().front()}, false, false);
}

TEST_F(RightsWalk, OtherMethodsAreNobodys) {
  start_with(keys());
  std::map<std::string, std::string> known;
  for (const Row& row : table()) known[row.path] += row.methods + ",";
  for (const Row& row : table()) {
    for (const char* const method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
      const std::string& methods = known[row.path];
      if (methods == "any," || methods.find(method) != std::string::npos) continue;
      for (const std::size_t who : {std::size_t{0}, std::size_t{9}}) {
        // What is below a star may be another route's own path.
        EXPECT_EQ(ask_for(row, method, askers()[who], Page::None), "405")
            << method << " " << row.path;
      }
    }
  }
}

TEST_F(RightsWalk, AKeyOfSomeModelsAsksForNoOther) {
  start_with(keys());
  const Asker& some = askers().back();
  for (const Row& row : table()) {
    if (row.models != "asked" || row.path.starts_with("/comfyui")) continue;
    const std::string method =
        row.methods == "any" ? "GET" : row.methods.substr(0, row.methods.find(','));
    const bool is_control = row.scope == "control";
    EXPECT_EQ(ask_for(row, method, some, Page::None, "other"),
              is_control ? "404" : "403 model_forbidden")
        << row.path;
  }
}

}  // namespace
}  // namespace rouse
