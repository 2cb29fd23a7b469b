"""Faults in which target of an alias is chosen, and in what a key may use."""

SECONDS = 30
TESTS = [("core_tests", "Selector*:SlidingMinute*:KeyBudget*")]

SELECTOR = "core/selector.cpp"
BUDGET = "core/key_budget.cpp"

MUTANTS = [
    ("nothing may be chosen of nothing", SELECTOR, "if (states.empty()) return std::nullopt;", "if (states.empty()) return 0;"),
    ("a pin is the last target", SELECTOR, "    case Strategy::Pin:\n      return 0;", "    case Strategy::Pin:\n      return MUTANT ? states.size() - 1 : 0;"),
    ("one that starts is as good as one that is ready", SELECTOR, "{TargetState::Ready, TargetState::Starting}",
     "{MUTANT ? TargetState::Starting : TargetState::Ready, MUTANT ? TargetState::Ready : TargetState::Starting}"),
    ("one that starts is not preferred", SELECTOR, "it != states.end()", "it != states.end() && wanted == TargetState::Ready"),
    ("without a warm one the last is chosen", SELECTOR, "      }\n      return 0;", "      }\n      return MUTANT ? states.size() - 1 : 0;"),
    ("the first is always asked first", SELECTOR, "(next_ + step) % states.size()", "step"),
    ("one that stops may be chosen", SELECTOR, "if (states[i] == TargetState::Stopping) continue;", ""),
    ("one that starts is not up", SELECTOR, "states[i] == TargetState::Ready || states[i] == TargetState::Starting", "states[i] == TargetState::Ready"),
    ("a cold one with requests is cold", SELECTOR, "!is_up && running_[i] == 0", "!is_up"),
    ("the last cold one is started", SELECTOR, "std::min(i, cold.value_or(i))", "std::max(i, cold.value_or(i))"),
    ("the busiest is chosen", SELECTOR, "running_[i] < running_[*least]", "running_[i] > running_[*least]"),
    ("equal ones do not take turns", SELECTOR, "running_[i] < running_[*least]", "running_[i] <= running_[*least]"),
    ("nothing spills over", SELECTOR, "if (running_[*least] >= spillover_ && cold) return cold;", ""),
    ("it spills over one too late", SELECTOR, "running_[*least] >= spillover_", "running_[*least] > spillover_"),
    ("who was chosen is first again", SELECTOR, "next_ = (*least + 1) % states.size();", ""),
    ("a clock that goes back stops the minute", BUDGET, "for (Entry& entry : entries_) entry.at -= back;", ""),
    ("a minute is never over", BUDGET, "now - entries_.front().at >= kMinute", "false",
     "what is older than a minute makes nobody wait: it goes to save memory"),
    ("a minute is a moment too long", BUDGET, "now - entries_.front().at >= kMinute", "now - entries_.front().at > kMinute",
     "what is older than a minute makes nobody wait: it goes to save memory"),
    ("what is over still counts", BUDGET, "sum_ -= entries_.front().amount;", ""),
    ("a negative amount counts", BUDGET, "if (amount <= 0) return;", ""),
    ("an amount may overflow", BUDGET, "amount = std::min(amount, kAmountMax);", ""),
    ("what is added at once counts once", BUDGET, "entries_.back().amount += amount;", "entries_.back().amount = amount;"),
    ("each amount is the same moment", BUDGET, "entries_.back().at == now", "true"),
    ("a limit is one too low", BUDGET, "if (left < limit) break;", "if (left <= limit) break;"),
    ("all of it must be over", BUDGET, "if (left < limit) break;", ""),
    ("a wait is always a minute", BUDGET, "wait = kMinute - (now - entry.at);", "wait = kMinute;"),
    ("any number may be in flight", BUDGET, "in_flight_ >= limits_.in_flight", "false"),
    ("one too many may be in flight", BUDGET, "in_flight_ >= limits_.in_flight", "in_flight_ > limits_.in_flight"),
    ("no limit is a limit of none", BUDGET, "limits_.in_flight > 0", "true"),
    ("no limit of a minute is one of none", BUDGET, "if (limit <= 0) return;", ""),
    ("the shorter wait is told", BUDGET, "(!over || wait > over->retry_after)", "(!over || wait < over->retry_after)"),
    ("requests have no limit", BUDGET, "look(requests_, limits_.requests_per_minute, KeyLimit::Requests);", ""),
    ("tokens have no limit", BUDGET, "look(tokens_, limits_.tokens_per_minute, KeyLimit::Tokens);", ""),
    ("who is refused is counted", BUDGET, "  if (over) return over;\n  ++in_flight_;", "  if (MUTANT) ++in_flight_;\n  if (over) return over;\n  if (!MUTANT) ++in_flight_;"),
    ("requests are not counted", BUDGET, "if (limits_.requests_per_minute > 0) requests_.add(1, now);", ""),
    ("who has ended is still in flight", BUDGET, "if (in_flight_ > 0) --in_flight_;", ""),
    ("one end too many is one request more", BUDGET, "if (in_flight_ > 0) --in_flight_;", "--in_flight_;"),
    ("tokens are not counted", BUDGET, "if (limits_.tokens_per_minute > 0) tokens_.add(tokens, now);", ""),
]
