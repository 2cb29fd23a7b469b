#include "proxy/wire/body_model.hpp"

#include "base/text/ascii.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/wire/error_body.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace rouse::wire {

namespace {

constexpr std::size_t kBlanksMax = 64 * 1024;

template <class State>
BodyModel::State state_of(State state) {
  if (state == State::Reading) return BodyModel::State::Reading;
  return state == State::Done ? BodyModel::State::Done : BodyModel::State::Malformed;
}

}  // namespace

BodyModel::BodyModel(std::string_view content_type) {
  const std::string type = to_lower(content_type);
  if (type.find("application/json") != std::string::npos) return;
  undecided_ = true;
  finder_ = FormFinder::urlencoded();
  if (type.find("multipart/form-data") == std::string::npos) return;
  const std::string boundary = multipart_boundary(content_type);
  if (boundary.empty()) unusable_ = "its content type names no boundary";
  finder_ = FormFinder::multipart(boundary);
}

BodyModel::State BodyModel::feed(std::string_view piece) {
  std::string whole;
  if (undecided_) {
    const std::size_t first = piece.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    const bool is_blank = first == std::string_view::npos;
    if (is_blank && blanks_.size() + piece.size() <= kBlanksMax) {
      blanks_ += piece;
      return state();
    }
    undecided_ = false;
    is_json_by_look_ = !is_blank && piece[first] == '{';
    if (is_json_by_look_) {
      finder_ = ModelFinder();
      unusable_ = {};
    }
    whole = std::move(blanks_);
    whole += piece;
    piece = whole;
  }
  std::visit([piece](auto& finder) { finder.feed(piece); }, finder_);
  return state();
}

BodyModel::State BodyModel::finish() {
  undecided_ = false;  // nothing but blanks is a form without fields
  std::visit([](auto& finder) { finder.finish(); }, finder_);
  return state();
}

BodyModel::State BodyModel::state() const {
  if (!undecided_ && !unusable_.empty()) return State::Malformed;
  return std::visit([](const auto& finder) { return state_of(finder.state()); }, finder_);
}

const std::optional<std::string>& BodyModel::model() const {
  return std::visit(
      [](const auto& finder) -> const auto& { return finder.model(); }, finder_);
}

const std::optional<bool>& BodyModel::stream() const {
  return std::visit(
      [](const auto& finder) -> const auto& { return finder.stream(); }, finder_);
}

bool BodyModel::model_is_no_text() const {
  const auto* json = std::get_if<ModelFinder>(&finder_);
  return json != nullptr && json->model_is_no_text();
}

std::string BodyModel::problem() const {
  if (!unusable_.empty()) return "the body is no form: " + std::string(unusable_);
  const std::string text =
      std::visit([](const auto& finder) { return std::string(finder.problem()); }, finder_);
  return (is_json() ? "the body is not a JSON object: " : "the body is no form: ") + text;
}

std::size_t BodyModel::model_begin() const {
  return std::visit([](const auto& finder) { return finder.model_begin(); }, finder_);
}

std::size_t BodyModel::model_end() const {
  return std::visit([](const auto& finder) { return finder.model_end(); }, finder_);
}

std::string BodyModel::renamed(std::string_view name) const {
  const auto* form = std::get_if<FormFinder>(&finder_);
  return form == nullptr ? json_string(name) : form->encoded(name);
}

}  // namespace rouse::wire
