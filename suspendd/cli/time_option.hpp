#pragma once

#include "base/text/duration_text.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace rouse::suspendd {

/// Holds @p option, whose value parse_duration() will read, to times.
inline CLI::Option* takes_time(CLI::Option* option) {
  return option->type_name("TIME")->check(CLI::Validator(
      [](std::string& text) {
        return parse_duration(text) ? std::string()
                                    : "\"" + text + "\" is no time such as 90s or 3h";
      },
      ""));
}

}  // namespace rouse::suspendd
