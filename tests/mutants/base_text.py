"""Faults in texts: durations, JSON, times, tables, and what is wrong with a YAML file."""

SECONDS = 30
TESTS = [("base_tests", "Ascii.*:DidYouMean.*:DurationText.*:SizeText.*:JsonWriter.*:JsonString.*:Rfc3339.*:Sha256.*:Utf8.*:"
                        "Week*:TextWidth.*:OneLine.*:CutText.*:WrapText.*:TextTable.*:Yaml*:*/YamlFaults.*")]

ASCII = "base/text/ascii.cpp"
MEAN = "base/text/did_you_mean.cpp"
DURATION = "base/text/duration_text.cpp"
JSON = "base/text/json_writer.cpp"
TIME = "base/text/rfc3339.cpp"
SHA = "base/text/sha256.cpp"
TABLE = "base/text/text_table.cpp"
UTF8 = "base/text/utf8.cpp"
WEEK = "base/text/week.cpp"
ANCHORS = "base/yaml/anchors.cpp"
BYTES = "base/yaml/bytes.cpp"
FAULT = "base/yaml/fault.cpp"
LAYOUT = "base/yaml/layout.cpp"
PLACE = "base/yaml/place.cpp"
SCAN = "base/yaml/scan.cpp"
TREE = "base/yaml/tree.cpp"

MUTANTS = [
    # --- letters and numbers
    ("Z has no small letter", ASCII, "c >= 'A' && c <= 'Z' ?", "c >= 'A' && (MUTANT ? c < 'Z' : c <= 'Z') ?"),
    ("hexadecimals are small", ASCII, "if (c >= 'A' && c <= 'F') return c - 'A' + 10;", ""),
    ("nothing is digits", ASCII, '!text.empty() && text.find_first_not_of("0123456789")', '(MUTANT || !text.empty()) && text.find_first_not_of("0123456789")'),
    ("letters that changed places are two faults", MEAN, "if (is_swap) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);", ""),
    ("a short word has no fault", MEAN, "std::max<std::size_t>(1, wanted.size() / 3) + 1", "wanted.size() / 3 + 1"),
    ("any word is near a short one", MEAN, "apart < best_distance && apart < candidate.size()", "apart < best_distance"),
    ("dashes are letters", MEAN, "std::erase(out, '-');", ""),
    ("one letter is a beginning", MEAN, "!best.empty() || wanted.size() < kStartMin", "!best.empty()"),
    ("a little is nothing", DURATION, "sum > 0 && rounded == 0 ? 1 : rounded", "rounded"),
    ("durations have no limit", DURATION, "sum > kLongest", "false"),
    ("the last number needs no unit", DURATION, "text.empty() && first", "text.empty()"),
    ("durations are negative", DURATION, "!std::isfinite(number) || std::signbit(number)", "!std::isfinite(number)"),
    ("a plain number is milliseconds", DURATION, "std::optional<double>(1000)", "std::optional<double>(1)"),
    ("sizes have no limit", DURATION, "*number * *factor > kLargest", "false"),
    ("what was told is told again", DURATION, "left %= size;", ""),
    ("infinity is a number", JSON, "if (!std::isfinite(number)) return null();", ""),
    ("control characters are letters", JSON, "static_cast<unsigned char>(c) < 0x20", "false"),
    ("backslashes are letters", JSON, "c == '\"' || c == '\\\\'", "c == '\"'"),
    ("bytes that are no letter pass", JSON, 'length == 0 ? std::string_view("\\xef\\xbf\\xbd") : text.substr(0, length)',
     "text.substr(0, length == 0 ? 1 : length)"),
    ("a list ends without a comma behind it", JSON, "  text_ += bracket;\n  needs_comma_ = true;", "  text_ += bracket;\n  if (!MUTANT) needs_comma_ = true;"),
    ("days have any number of hours", TIME, "*hour > 23 || *minute > 59 || *second > 60", "false"),
    ("February has 30 days", TIME, "if (!date.ok()) return std::nullopt;", ""),
    ("a tenth is a thousandth", TIME, "milli.resize(3, '0');", ""),
    ("west is east", TIME, "if (rest[0] == '-') offset = -offset;", ""),
    ("a zone goes the other way", TIME, "fraction - offset", "fraction + offset"),
    ("a point has no digits", TIME, "end == 1 || end == std::string_view::npos", "end == std::string_view::npos"),
    ("half a byte is one", SHA, "high < 0 || low < 0", "high < 0"),
    ("two digests are one", SHA, "CRYPTO_memcmp(a.data(), b.data(), a.size())", "CRYPTO_memcmp(a.data(), b.data(), 1)"),
    ("surrogates are letters", UTF8, "first == 0xed && second > 0x9f", "false"),
    ("a letter ends with any byte", UTF8, "(byte(i) & 0xc0) != 0x80", "false"),
    ("a letter may be longer than it is", UTF8, "first == 0xe0 && second < 0xa0", "false"),
    ("letters have no end", UTF8, "first == 0xf4 && second > 0x8f", "false"),
    ("bytes are letters", UTF8, "return (c & 0xC0) != 0x80;", "return true;"),
    ("an hour has 99 minutes", WEEK, "!hours || !minutes || *minutes > 59", "!hours || !minutes"),
    ("a day has 99 hours", WEEK, "time > kDayMinutes", "false"),
    ("a time may begin with the next day", WEEK, "*from == *to || *from == kDayMinutes", "*from == *to"),
    ("the end is within", WEEK, "minute >= span.from && minute < span.to;", "minute >= span.from && (MUTANT ? minute <= span.to : minute < span.to);"),
    ("a night ends with its day", WEEK, "(has((day + 6) % 7) && minute < span.to)", "false"),
    ("the week has no end", WEEK, "(day * kDayMinutes + span.from + minute) % (7 * kDayMinutes)",
     "std::min(day * kDayMinutes + span.from + minute, 7 * kDayMinutes - 1)"),
    # --- tables
    ("wide signs are narrow", TABLE, "is_in(kWide, code) ? 2 : 1", "1"),
    ("accents are signs", TABLE, "if (is_in(kOnTop, code)) return 0;", ""),
    ("control characters are shown", TABLE, "is_control_code(point.code)", "false"),
    ("a cut text is too wide", TABLE, "beginning(text, width - 1)", "beginning(text, width)"),
    ("words are broken", TABLE, "!ends_a_word && blank != std::string_view::npos && blank > 0", "false"),
    ("colours are always shown", TABLE, "!look.colours || text.empty()", "text.empty()"),
    ("a gap stands behind the last column", TABLE, "(shown > 1 ? (shown - 1) * kGap : 0)", "shown * kGap"),
    ("lines end with blanks", TABLE, "std::string(without_end_blanks(line)) +", "(MUTANT ? line : std::string(without_end_blanks(line))) +"),
    ("the last column is cut", TABLE, "others + kWrapMin <= room", "false"),
    ("half a sign is a sign", TABLE, "if ((next & 0xC0) != 0x80) return {lead, 1};", ""),
    ("a text of two lines is one of none", TABLE, "point.code == '\\n' || point.code == '\\r' || point.code == '\\t'", "false"),
    # --- YAML: bytes and places
    ("UTF-16 without a mark is read", BYTES, "has_mark || has_gaps", "has_mark"),
    ("a byte order mark is a blank", BYTES, 'if (text.starts_with("\\xef\\xbb\\xbf")) text.remove_prefix(3);', ""),
    ("DEL is a letter", BYTES, "(byte < 0x20 && byte != '\\t') || byte == 0x7F", "byte < 0x20 && byte != '\\t'"),
    ("odd blanks are odd anywhere", BYTES, "is_indentation = byte == ' ' || byte == '\\t';", ""),
    ("places count bytes", PLACE, "utf8_count(before)", "before.size()"),
    ("secrets are shown", PLACE, "!is_about_secrets(line(line_))", "true"),
    ("what stands above is no secret", PLACE, "[](const Level& each) { return is_about_secrets(each.name); }",
     "[](const Level& each) { return !MUTANT && is_about_secrets(each.name); }"),
    ("a value goes on behind its brackets", PLACE, 'if (in_brackets) value = value.substr(0, value.find_first_of(",]}"));', ""),
    ("an anchor that nobody takes lends", ANCHORS, "if (depth_ == 1) is_key_ = !is_key_;", ""),
    # --- YAML: what is wrong
    ("an anchor that is missing is a text", FAULT, "is_undefined && is_name", "false"),
    ("a macro in braces is a fault of commas", FAULT, 'place > 0 && place < p.text().size() && p.text().substr(place - 1, 2) == "${"', "false"),
    ("every bracket is never closed", FAULT, "if (!is_never_closed) {", "if (!MUTANT && !is_never_closed) {"),
    ("a comma begins nothing", FAULT, "if (first == ',') {", "if (!MUTANT && first == ',') {"),
    ("a cut text ends within a letter", FAULT, "while (end > 0 && (text[end] & 0xC0) == 0x80) --end;", ""),
    ("TOKEN is no secret", FAULT, "c >= 'A' && c <= 'Z' ? c + 32 : c", "c"),
    ("an address lacks a space", FAULT, '!whole.substr(colon).starts_with("://")', "true"),
    ("a lost line goes on with nothing", FAULT, "if (!above.empty()) {", "if (!MUTANT && !above.empty()) {"),
    ("a quote that ends late is told where it ends", FAULT, "if (number != p.number()) {", "if (!MUTANT && number != p.number()) {"),
    ("conflicts are not seen", FAULT, '!p.line(number).starts_with("<<<<<<< ") && !p.line(number).starts_with(">>>>>>> ")', "true"),
    ("macros are braces", LAYOUT, "begin > 0 && value[begin - 1] == '$'", "false"),
    ("JSON of any length is shown", LAYOUT, "json.size() <= kJsonShownMax", "true"),
    ("wide colons are letters", LAYOUT, "wide != std::string_view::npos", "false"),
    ("an entry and a key stand side by side", LAYOUT, "level.is_entry == is_entry", "true"),
    ("all lines are near", LAYOUT, "if (!is_near) continue;", ""),
    # --- YAML: what there is
    ("a doubled quote ends a text", SCAN, "quote == '\\'' && at + 1 < text.size() && text[at + 1] == quote", "false"),
    ("a backslash in single quotes escapes", SCAN, "quote == '\"' && text[at] == '\\\\'", "text[at] == '\\\\'"),
    ("blocks end at once", SCAN, "!is_blank && first - line <= indent_", "true"),
    ("a # within a word is a comment", SCAN, "at != 0 && text[at - 1] != ' ' && text[at - 1] != '\\t'", "false"),
    ("long texts are shown", SCAN, "if (text.size() > kShownMax) return {};", ""),
    ("a comment says something", SCAN, "first != std::string_view::npos && line[first] != '#'", "first != std::string_view::npos"),
    ("plain values end with their line", SCAN, "if (goes_on) return;", ""),
    ("aliases multiply", TREE, "++nodes_ <= kNodesMax && bytes_ <= kBytesMax && !too_deep", "bytes_ <= kBytesMax && !too_deep"),
    ("texts multiply", TREE, "++nodes_ <= kNodesMax && bytes_ <= kBytesMax && !too_deep", "++nodes_ <= kNodesMax && !too_deep"),
    ("what is repeated is wrong twice", TREE, "if (fresh) problems.push_back(std::move(problem));", "problems.push_back(std::move(problem));"),
    ("an empty value stands at the next", TREE, "if (value.is_null()) value.place = place;", ""),
    ("<< in quotes is a merge", TREE, 'key == "<<" && pair.first.Tag() != "!"', 'key == "<<"'),
    ("a merge changes what is there", TREE, "seen.emplace(member.key, member.place.line).second", "true"),
    ("anchors lend below the top", TREE, "depth == 0 && lenders_.contains(pair.first.Mark().pos)", "false"),
    ("the second document is passed over", TREE, "parser.HandleNextDocument(anchors) && parser.HandleNextDocument(next)",
     "(parser.HandleNextDocument(anchors), false)"),
    ("an open quote takes the rest", TREE, "!is_quote || end_of_quoted(source_, at) != std::string::npos", "true"),
    ("escapes have places", TREE, "source_.compare(start, text.size(), text) != 0", "false"),
    ("warnings are errors", TREE, 'if (severity == Severity::Warning) out += "warning: ";', ""),
    ("an order is passed over", TREE, '!line.starts_with("%YAML ") && !line.starts_with("%TAG ")', "false"),
    ("NUL is a letter", TREE, "std::erase(text, '\\0');", ""),
    ("two keys are one", TREE, "if (!fresh) {", "if (!MUTANT && !fresh) {"),
    ("!!str is no text", TREE, 'node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str"', 'node.Tag() == "!"'),
]
