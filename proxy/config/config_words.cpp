#include "proxy/config/config.hpp"

namespace rouse {

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::Infer:
      return "infer";
    case Scope::Observe:
      return "observe";
    case Scope::Control:
      return "control";
    case Scope::Wake:
      return "wake";
    case Scope::List:
      return "list";
    case Scope::Captures:
      break;
  }
  return "captures";
}

std::string_view name_of(SelectorConfig::Strategy strategy) {
  switch (strategy) {
    case SelectorConfig::Strategy::Pin:
      return "pin";
    case SelectorConfig::Strategy::Warm:
      return "warm";
    case SelectorConfig::Strategy::Spillover:
      break;
  }
  return "spillover";
}

}  // namespace rouse
