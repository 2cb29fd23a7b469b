#include "proxy/request/who_asks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

namespace rouse {

core::Caller who_asks(std::string_view key, std::string_view address, const Fields& fields,
                      std::string_view session, const void* connection) {
  std::string text;
  const auto add = [&text](std::string_view part) { text.append(part).push_back('\0'); };
  add(key);
  add(address);
  add(fields.find("x-forwarded-for").value_or(""));
  add(fields.find("user-agent").value_or(""));
  add(session);
  const auto number = [](const std::string& of) {
    return std::max<std::uint64_t>(1, std::hash<std::string>{}(of));  // 0 is nobody
  };
  core::Caller caller;
  caller.client = number(text);
  add(fmt::to_string(fmt::ptr(connection)));
  caller.connection = number(text);
  return caller;
}

}  // namespace rouse
