#include "suspendd/checks/time_zone.hpp"

#include "suspendd/box/root.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace rouse::suspendd {
namespace {

Error bad_file(const std::string& name) {
  return Error{make_error_code(boost::system::errc::illegal_byte_sequence),
               "reading the time zone " + name};
}

/// Big-endian numbers, one after the other; `ok` becomes false past their end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return size == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
  }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) ok_ = false;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// The header's counts of the data that follows it.
struct Counts {
  std::size_t isut = 0;
  std::size_t isstd = 0;
  std::size_t leap = 0;
  std::size_t times = 0;
  std::size_t types = 0;
  std::size_t chars = 0;
  char version = 0;

  [[nodiscard]] std::size_t size(std::size_t time_size) const {
    return times * (time_size + 1) + types * 6 + chars + leap * (time_size + 4) + isstd + isut;
  }
};

std::optional<Counts> read_header(ByteReader& reader) {
  constexpr std::int64_t kMost = 100'000;
  if (reader.take(4) != "TZif") return std::nullopt;
  Counts counts;
  const std::string_view version = reader.take(1);
  reader.take(15);
  for (std::size_t* const each :
       {&counts.isut, &counts.isstd, &counts.leap, &counts.times, &counts.types, &counts.chars}) {
    const std::int64_t number = reader.number(4);
    if (!reader.ok() || number < 0 || number > kMost) return std::nullopt;
    *each = static_cast<std::size_t>(number);
  }
  counts.version = version.front();
  return counts;
}

}  // namespace

/// POSIX TZ text: `CET-1CEST,M3.5.0,M10.5.0/3`, with the extension of RFC 8536 that hours may be
/// from -167 to 167.
class TimeZone::FooterReader {
 public:
  explicit FooterReader(std::string_view text) : rest_(text) {}

  std::optional<Footer> read() {
    Footer footer;
    if (rest_.empty()) return footer;
    footer.is_there = true;
    name();
    footer.standard = -time();
    if (ok_ && rest_.empty()) return footer;
    footer.has_summer = true;
    name();
    footer.summer = footer.standard + 3600;
    if (!rest_.empty() && rest_.front() != ',') footer.summer = -time();
    footer.begins = rule();
    footer.ends = rule();
    if (!ok_ || !rest_.empty()) return std::nullopt;
    return footer;
  }

 private:
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void name() {
    const bool is_quoted = skip('<');
    const auto end = is_quoted ? rest_.find('>') : rest_.find_first_of("+-0123456789,");
    ok_ = ok_ && end != std::string_view::npos && end > 0;
    if (!ok_) return;
    rest_.remove_prefix(end + (is_quoted ? 1 : 0));
  }

  std::int64_t number(std::int64_t most) {
    std::int64_t value = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < 4 && rest_[digits] >= '0' && rest_[digits] <= '9') {
      value = value * 10 + (rest_[digits++] - '0');
    }
    rest_.remove_prefix(digits);
    ok_ = ok_ && digits > 0 && value <= most;
    return value;
  }

  /// [+-]h[:m[:s]]
  std::int64_t time() {
    const bool is_negative = skip('-');
    if (!is_negative) skip('+');
    std::int64_t seconds = number(167) * 3600;
    if (skip(':')) seconds += number(59) * 60;
    if (skip(':')) seconds += number(59);
    return is_negative ? -seconds : seconds;
  }

  Rule rule() {
    Rule rule;
    ok_ = ok_ && skip(',');
    if (skip('M')) {
      rule.month = static_cast<int>(number(12));
      ok_ = ok_ && skip('.');
      rule.week = static_cast<int>(number(5));
      ok_ = ok_ && skip('.');
      rule.day = static_cast<int>(number(6));
      ok_ = ok_ && rule.month >= 1 && rule.week >= 1;
    } else {
      rule.kind = skip('J') ? Rule::Kind::Julian : Rule::Kind::Day;
      rule.day = static_cast<int>(number(365));
      ok_ = ok_ && (rule.kind == Rule::Kind::Day || rule.day >= 1);
    }
    if (skip('/')) rule.time = time();
    return rule;
  }

  std::string_view rest_;
  bool ok_ = true;
};

Result<TimeZone> TimeZone::load(const std::string& name, const std::string& folder) {
  const bool is_name = !name.empty() && name.front() != '/' && name.find("..") == std::string::npos;
  if (!is_name) {
    return Error{make_error_code(boost::system::errc::invalid_argument),
                 "the time zone \"" + name + "\""};
  }
  const auto bytes = Root(folder).read("/" + name);
  if (!bytes) return Error{bytes.error().code, "there is no time zone \"" + name + "\""};
  return parse(*bytes, name);
}

Result<TimeZone> TimeZone::parse(std::string_view bytes, const std::string& name) {
  ByteReader reader(bytes);
  auto counts = read_header(reader);
  if (!counts) return bad_file(name);
  std::size_t time_size = 4;
  if (counts->version >= '2') {  // the same again with 64-bit times, and a footer
    reader.take(counts->size(4));
    counts = read_header(reader);
    if (!counts) return bad_file(name);
    time_size = 8;
  }
  TimeZone zone;
  zone.changes_.resize(counts->times);
  for (Change& each : zone.changes_) each.at = reader.number(time_size);
  const std::string_view kinds = reader.take(counts->times);
  std::vector<std::int64_t> offsets(counts->types);
  for (std::int64_t& each : offsets) {
    each = reader.number(4);
    reader.take(2);  // whether it is summer time, and its name
  }
  if (!reader.ok() || offsets.empty()) return bad_file(name);
  zone.first_offset_ = offsets.front();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto kind = static_cast<unsigned char>(kinds[i]);
    if (kind >= offsets.size()) return bad_file(name);
    if (i > 0 && zone.changes_[i].at <= zone.changes_[i - 1].at) return bad_file(name);
    zone.changes_[i].offset = offsets[kind];
  }
  if (time_size == 4) return zone;
  reader.take(counts->chars + counts->leap * 12 + counts->isstd + counts->isut);
  std::string_view footer = reader.rest();
  if (!reader.ok() || footer.size() < 2 || footer.front() != '\n') return bad_file(name);
  footer = footer.substr(1, footer.find('\n', 1) - 1);
  const auto rules = FooterReader(footer).read();
  if (!rules) return bad_file(name);
  zone.footer_ = *rules;
  return zone;
}

std::int64_t TimeZone::offset_at(std::int64_t unix_time) const {
  const auto next =
      std::upper_bound(changes_.begin(), changes_.end(), unix_time,
                       [](std::int64_t time, const Change& each) { return time < each.at; });
  if (next == changes_.end() && footer_.is_there) return footer_offset(unix_time);
  return next == changes_.begin() ? first_offset_ : std::prev(next)->offset;
}

std::int64_t TimeZone::moment(const Rule& rule, std::int64_t year) {
  using std::chrono::days;
  namespace date = std::chrono;
  const date::year y(static_cast<int>(year));
  date::sys_days day = y / date::January / 1;
  if (rule.kind == Rule::Kind::Day) {
    day += days(rule.day);
  } else if (rule.kind == Rule::Kind::Julian) {  // 29 February is not counted
    day += days(rule.day - 1 + (y.is_leap() && rule.day >= 60 ? 1 : 0));
  } else {
    const auto month = y / date::month(static_cast<unsigned>(rule.month));
    const date::weekday wanted(static_cast<unsigned>(rule.day));
    day = rule.week == 5 ? date::sys_days(month / wanted[date::last])
                         : date::sys_days(month / wanted[static_cast<unsigned>(rule.week)]);
  }
  return std::int64_t{day.time_since_epoch().count()} * 86400 + rule.time;
}

std::int64_t TimeZone::footer_offset(std::int64_t unix_time) const {
  if (!footer_.has_summer) return footer_.standard;
  using std::chrono::floor;
  const std::chrono::sys_seconds local{std::chrono::seconds(unix_time + footer_.standard)};
  const std::chrono::year_month_day today{floor<std::chrono::days>(local)};
  const auto year = static_cast<std::int64_t>(static_cast<int>(today.year()));
  // Each change is told in the local time that it ends.
  const std::int64_t begins = moment(footer_.begins, year) - footer_.standard;
  const std::int64_t ends = moment(footer_.ends, year) - footer_.summer;
  const bool is_summer = begins < ends ? unix_time >= begins && unix_time < ends
                                       : unix_time >= begins || unix_time < ends;
  return is_summer ? footer_.summer : footer_.standard;
}

}  // namespace rouse::suspendd
