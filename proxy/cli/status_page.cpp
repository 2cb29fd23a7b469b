#include "proxy/cli/status_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace rouse {

namespace {

constexpr std::size_t kDecisionsShown = 10;

using Object = ProxyFacts::Object;

/// A table of the page, of which a low window shows less.
struct Part {
  TableRow title;
  std::vector<TableRow> rows;
  std::vector<std::size_t> give_way;
  std::size_t least = 1;  ///< rows that are kept as long as there is any room
  bool keeps_last =
      false;  ///< old ones go in silence; else the last ones, and their number is told
  std::size_t shown = 0;

  [[nodiscard]] bool is_cut() const { return shown < rows.size(); }
  /// With the empty line before it.
  [[nodiscard]] std::size_t height() const {
    if (rows.empty() || shown == 0) return 0;
    return 2 + shown + (is_cut() && !keeps_last ? 1 : 0);
  }
};

std::string model_note(Object model) {
  const std::string state = text_in(model, "state");
  std::string failure = text_in(model, "last_failure");
  const auto retry = seconds_in(model, "retry_in_s");
  const bool is_up = state == "ready" || state == "starting";
  if (const std::string obstacle = text_in(model, "obstacle"); !is_up && !obstacle.empty()) {
    return "cannot start: " + obstacle;
  }
  if (state == "failed" && retry) {
    return fmt::format("{} {}: {}",
                       flag_in(model, "circuit_open") ? "refuses requests for" : "again in",
                       span_words(*retry), failure);
  }
  if (state == "failed") return failure;
  if (std::string held = text_in(model, "held"); !held.empty()) return held;
  if (const std::string leaves = text_in(model, "leaves"); !leaves.empty()) {
    return "admits no newcomers: " + leaves;
  }
  if (const auto left = seconds_in(model, "unload_in_s")) {
    return "unloads in " + short_span(*left);
  }
  if (state == "ready") return {};
  return text_in(model, "reason");
}

Part models_part(const ProxyFacts& facts) {
  Part part;
  part.title = {"MODEL", "STATE", "FOR", "RUN", "WAIT", "NOTE"};
  part.give_way = {5, 2, 0};
  for (const Object model : list_in(facts.root(), "models")) {
    const std::string state = text_in(model, "state");
    const auto since = seconds_in(model, "for_s");
    const bool is_wanted = state == "stopped" && count_in(model, "waiting") > 0;
    part.rows.push_back({text_in(model, "model"),
                         {state, is_wanted ? Tone::Warning : tone_of_state(state)},
                         since ? short_span(*since) : std::string("-"),
                         std::to_string(count_in(model, "running")),
                         std::to_string(count_in(model, "waiting")),
                         {model_note(model), state == "failed" ? Tone::Bad : Tone::Plain}});
  }
  return part;
}

Part waiting_part(const ProxyFacts& facts) {
  Part part;
  part.title = {"REQUEST", "WAITS FOR", "SINCE", "FROM", "NEXT"};
  part.give_way = {3, 0, 4, 2, 1};
  for (const Object waiting : list_in(facts.root(), "waiting")) {
    const std::string peer = text_in(waiting, "peer");
    const std::string model = text_in(waiting, "model");
    part.rows.push_back({text_in(waiting, "request_id"),
                         peer.empty() ? model : model + " at " + peer,
                         short_span(seconds_in(waiting, "waiting_s").value_or(0)),
                         sender_words(waiting), text_in(waiting, "next")});
  }
  return part;
}

std::string last_wake(Object peer) {
  const auto wake = object_in(peer, "last_wake");
  if (!wake) return "-";
  const auto ago = seconds_in(*wake, "ago_s");
  return wake_words(*wake) + (ago ? fmt::format(", {} ago", short_span(*ago)) : "");
}

Part peers_part(const ProxyFacts& facts) {
  Part part;
  part.title = {"PEER", "STATE", "FOR", "WHY", "LAST WAKE"};
  part.give_way = {4, 3, 2};
  for (const Object peer : list_in(facts.root(), "peers")) {
    const std::string state = text_in(peer, "state");
    const auto since = seconds_in(peer, "since_ms");
    const bool is_down = flag_in(peer, "service_down");
    part.rows.push_back({text_in(peer, "name"),
                         {state, is_down ? Tone::Bad : tone_of_state(state)},
                         since ? short_span(*since) : std::string("-"),
                         text_in(peer, "reason"),
                         last_wake(peer)});
  }
  return part;
}

Part decisions_part(const ProxyFacts& facts) {
  Part part;
  part.title = {"AT", "DECISION"};
  part.give_way = {1, 0};
  part.least = 0;
  part.keeps_last = true;
  for (const Object decision : list_in(facts.root(), "decisions")) {
    part.rows.push_back({text_in(decision, "at"), text_in(decision, "text")});
  }
  return part;
}

std::string head_line(const ProxyFacts& facts) {
  const Object root = facts.root();
  std::string text = fmt::format("rouse {}, up for {}", text_in(root, "version"),
                                 span_words(seconds_in(root, "up_s").value_or(0)));
  if (const std::string profile = text_in(root, "profile"); !profile.empty()) {
    text += ", profile " + profile;
  }
  if (flag_in(root, "shutting_down")) text += ", shutting down";
  return text;
}

/// Whatever is at rest is left out first, from the end.
void leave_out_one(Part& part) {
  if (part.keeps_last || part.shown <= 1) {
    --part.shown;
    return;
  }
  // Only while it is cut may the rows be in another order than the proxy's.
  const auto first = part.rows.begin();
  const auto end = first + static_cast<std::ptrdiff_t>(part.shown);
  const auto is_at_rest = [](const TableRow& row) { return row[1].tone == Tone::Faint; };
  const auto rest =
      std::find_if(std::make_reverse_iterator(end), std::make_reverse_iterator(first), is_at_rest);
  if (rest != std::make_reverse_iterator(first)) {
    const auto at = std::next(rest).base();
    std::rotate(at, at + 1, end);
  }
  --part.shown;
}

void fit_height(std::vector<Part>& parts, std::size_t room) {
  const auto taken = [&parts] {
    std::size_t sum = 0;
    for (const Part& part : parts) sum += part.height();
    return sum;
  };
  // First down to what each keeps, then down to nothing; the last part gives way first.
  for (const bool keeps_least : {true, false}) {
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      const std::size_t least = keeps_least ? part->least : 0;
      while (taken() > room && part->shown > least) leave_out_one(*part);
    }
  }
}

std::string text_of(const Part& part, const PageLook& look) {
  if (part.height() == 0) return {};
  std::vector<TableRow> rows{part.title};
  for (std::size_t i = 0; i < part.title.size(); ++i) {
    TableCell& title = rows.front()[i];
    title.tone = Tone::Strong;
    // A column with nothing in it takes no room.
    const bool is_used = std::any_of(part.rows.begin(), part.rows.end(),
                                     [i](const TableRow& row) { return !row[i].text.empty(); });
    if (!is_used) title.text.clear();
  }
  const auto shown = static_cast<std::ptrdiff_t>(part.shown);
  const auto first = part.keeps_last ? part.rows.end() - shown : part.rows.begin();
  rows.insert(rows.end(), first, first + shown);
  TableFit fit;
  fit.look = look;
  fit.indent = 0;
  fit.give_way = part.give_way;
  std::string text = "\n" + text_table(rows, fit);
  if (part.is_cut() && !part.keeps_last) {
    text += fmt::format("… and {} more\n", part.rows.size() - part.shown);
  }
  return text;
}

std::string line_of(const std::string& text, const PageLook& look) {
  return (look.width == 0 ? one_line(text) : cut_text(one_line(text), look.width)) + "\n";
}

}  // namespace

std::string status_page(const ProxyFacts& facts, const PageLook& look, std::size_t height) {
  const auto power = object_in(facts.root(), "power");
  std::string head = line_of(head_line(facts), look);
  if (power) head += line_of("this machine " + sleep_words(*power), look);
  std::vector<Part> parts{models_part(facts), waiting_part(facts), peers_part(facts),
                          decisions_part(facts)};
  const bool nobody_waits = parts[1].rows.empty();
  if (parts[0].rows.empty()) head += line_of("no model is configured", look);
  if (nobody_waits) head += line_of("nobody waits", look);
  for (Part& part : parts) part.shown = part.rows.size();
  parts.back().shown = std::min(parts.back().shown, kDecisionsShown);
  const auto head_lines = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n'));
  if (height > 0) fit_height(parts, height > head_lines ? height - head_lines : 0);
  std::string page = head;
  for (const Part& part : parts) page += text_of(part, look);
  if (height == 0) return page;
  // A window of two lines still gets the first two.
  std::size_t end = 0;
  for (std::size_t line = 0; line < height && end < page.size(); ++line) {
    end = page.find('\n', end) + 1;
  }
  return page.substr(0, end);
}

}  // namespace rouse
