#pragma once

#include "base/posix.hpp"
#include "tests/support/exchange_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <unistd.h>

#include <string>
#include <string_view>

namespace rouse {

/// The proxy's classes, and somebody who asks it for what it knows. The engine of `big` and that of
/// `small` are in the test's hands.
class ApiWorld : public ExchangeWorld {
 protected:
  struct Answer {
    int status = 0;
    std::string head;
    std::string body;
  };

  /// @p rest: further keys of the file.
  void start_api(const std::string& rest = "") {
    const std::string engine = "    cmd: /bin/sleep 600\n    proxy: http://127.0.0.1:";
    start("models:\n  big:\n" + engine + std::to_string(big_.port()) +
          "\n    checkEndpoint: none\n    name: Big\n    description: The \"large\" one\n"
          "    aliases: [large, \"large-*\"]\n    ttl: 600\n  small:\n" +
          engine + std::to_string(small_.port()) + "\n    checkEndpoint: none\n  slow:\n" + engine +
          std::to_string(slow_.port()) + "\n  hidden:\n    cmd: /no/such/program\n" +
          "    proxy: http://127.0.0.1:1\n    unlisted: true\n" + rest);
  }

  /// On a connection of its own, which ends with the answer.
  Answer call(std::string_view method, std::string_view target, std::string_view body = "",
              std::string_view fields = "") {
    connect_client();
    say(
        fmt::format("{} {} HTTP/1.1\r\nHost: rouse\r\nConnection: close\r\n{}Content-Length: {}"
                    "\r\n\r\n{}",
                    method, target, fields, body.size(), body));
    const std::string text = client_hears_end();
    Answer answer;
    const std::size_t end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) {
      ADD_FAILURE() << "no answer: " << text;
      return answer;
    }
    answer.status = std::stoi(text.substr(9, 3));
    answer.head = text.substr(0, end + 2);
    answer.body = text.substr(end + 4);
    return answer;
  }
  Answer get(std::string_view target) { return call("GET", target); }

  /// The client's connection lives on while others come.
  [[nodiscard]] UniqueFd keep_client() const { return UniqueFd(::dup(peer_.get())); }

  /// A client asks for @p model and waits for its answer.
  [[nodiscard]] UniqueFd ask_and_wait(const std::string& model, std::string_view fields = "") {
    const std::size_t before = recorder().in_flight.entries().size();
    connect_client();
    ask("/v1/chat/completions", R"({"model":")" + model + R"("})", fields);
    EXPECT_TRUE(run_until([this, before] {
      const auto& entries = recorder().in_flight.entries();
      return entries.size() > before && entries.rbegin()->second->phase() != Phase::Reading;
    })) << "it is not on its way";
    return keep_client();
  }

  OtherSide big_{*this};
  OtherSide small_{*this};
  OtherSide slow_{*this};  // of the model that is not ready until this says so
};

}  // namespace rouse
