"""Faults in the logs that are kept in memory, and in how their lines are stamped."""

SECONDS = 30
TESTS = [("proxy_tests", "LogRing.*:TimePattern.*")]

RING = "proxy/logs/log_ring.cpp"
PATTERN = "proxy/logs/time_pattern.cpp"
FORMAT = "base/service/line_format.cpp"

MUTANTS = [
    ("what was ever written is what is kept", RING, "  total_ += bytes.size();\n", "total_ = bytes_.size() + bytes.size();"),
    ("one large piece is kept whole", RING, "bytes.size() > kept", "false",
     "the line after it cuts off the same, and this one only saves it the copy"),
    ("of one large piece the beginning is kept", RING, "bytes.substr(bytes.size() - kept)", "bytes.substr(0, kept)"),
    ("the ring grows for ever", RING, "if (bytes_.size() >= 2 * kept) bytes_.erase(0, bytes_.size() - kept);", ""),
    ("the last bytes go", RING, "bytes_.erase(0, bytes_.size() - kept);", "bytes_.resize(kept);"),
    ("who has ended is called", RING, "if (follower) follower(bytes);",
     "if (follower) follower(bytes); else throw std::bad_function_call();"),
    ("nobody hears what is written", RING, "if (follower) follower(bytes);", ""),
    ("who ends in its call ends the list", RING, "followers->remove_if([](const auto& follower) { return !follower; });",
     "followers->clear();"),
    ("the text is more than the last bytes", RING, "if (bytes_.size() <= bytes_max_) return bytes_;", "return bytes_;"),
    ("the text begins within a line", RING, "is_one_line ? from : line_end + 1", "from"),
    ("the text begins with the end of a line", RING, "from : line_end + 1", "from : line_end + (MUTANT ? 0 : 1)"),
    ("one endless line is no text", RING, "line_end == std::string::npos ||",
     "(!MUTANT && line_end == std::string::npos) ||"),
    ("one endless line that ends is no text", RING, "line_end + 1 == bytes_.size()", "false"),
    ("a line that is whole is left out", RING, "from - 1", "from"),
    ("nothing says whether the first line is whole", RING, "bytes_max_ + 1", "bytes_max_"),
    ("all lines are the last", RING, "found.size() < lines", "true"),
    ("one line too many is the last", RING, "found.size() < lines", "found.size() <= lines"),
    ("empty lines count", RING, "rest.back() == '\\n' || rest.back() == '\\r'", "false"),
    ("a carriage return is a part of its line", RING, "rest.back() == '\\r'", "false"),
    ("a carriage return ends no line", RING, 'rest.find_last_of("\\n\\r")', "rest.rfind('\\n')"),
    ("the first line is lost", RING, "start == std::string_view::npos ? 0 : start + 1",
     "start == std::string_view::npos ? rest.size() : start + 1"),
    ("the last lines are in the wrong order", RING, "std::reverse(found.begin(), found.end());", ""),
    ("who follows first hears last", RING, "followers_->insert(followers_->end(), std::move(follower))",
     "followers_->insert(followers_->begin(), std::move(follower))"),
    ("what a handle was moved from ends it", RING, "std::exchange(other.list_, nullptr)", "other.list_"),
    ("a handle that gets another keeps its own", RING, "  std::swap(list_, other.list_);\n  std::swap(at_, other.at_);",
     "if (!list_) { std::swap(list_, other.list_); std::swap(at_, other.at_); }"),
    ("a handle that gets another mixes them up", RING, "std::swap(at_, other.at_);", "at_ = other.at_;"),
    ("who has ended hears on", RING, "if (list_) *at_ = nullptr;", ""),
    ("no name of a layout is known", PATTERN, "it == kPatterns.end() ? std::string() : it->second", "std::string()"),
    ("a name of no layout is one", PATTERN, "it == kPatterns.end() ? std::string() : it->second",
     "it == kPatterns.end() ? name : it->second"),
    ("rfc3339 has no zone", PATTERN, '"%Y-%m-%dT%H:%M:%S%z"', '"%Y-%m-%dT%H:%M:%S"'),
    ("stampmilli has microseconds", PATTERN, '"%b %_ %H:%M:%S.%e"', '"%b %_ %H:%M:%S.%f"'),
    ("kitchen has 24 hours", PATTERN, '"%k:%M%p"', '"%H:%M%p"'),
    ("a day below ten has a zero", FORMAT, 'return fmt::format("{:2}", time.tm_mday);',
     'return fmt::format("{:02}", time.tm_mday);'),
    ("noon is zero", FORMAT, "(time.tm_hour + 11) % 12 + 1", "time.tm_hour % 12"),
    ("noon is 24", FORMAT, "(time.tm_hour + 11) % 12 + 1", "time.tm_hour"),
    ("a zone has no name", FORMAT, "flag == 'Z'", "false"),
    ("a zone has no offset", FORMAT, "flag == 'Z'", "true"),
    ("all parts are days", FORMAT, "std::make_unique<Part>(flag_)", "std::make_unique<Part>('_')"),
]
