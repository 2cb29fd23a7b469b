#pragma once

#include "base/text/did_you_mean.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse {

/// Where a piece of configuration stands; lines and columns count from 1, 0: nowhere.
struct SourcePlace {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One fault of a configuration. str(): "config.yaml:3:9: models.q.prxy: unknown key, did you mean
/// \"proxy\"?" (file:line:col: key.path: text).
struct Problem {
  enum class Severity { Error, Warning };
  Severity severity = Severity::Error;
  SourcePlace place;
  std::string path;
  std::string text;
  [[nodiscard]] std::string str() const;
};

/// YAML as values that may be changed and still know where they came from: anchors and `<<` merge
/// keys are resolved, mappings keep their order, scalars keep their text.
struct YamlNode {
  enum class Kind { Null, Scalar, List, Map };
  struct Member;

  Kind kind = Kind::Null;
  bool quoted = false;  ///< a scalar in quotes or a block: text, whatever it looks like
  std::string text;     ///< of a scalar
  SourcePlace place;
  /// The column of the first letter of text, when the file has the text in one line just as it is
  /// here, so that the places of its other letters follow; else 0.
  int text_column = 0;
  std::vector<YamlNode> items;  ///< of a List
  std::vector<Member> members;  ///< of a Map

  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  [[nodiscard]] YamlNode* find(std::string_view key);
  [[nodiscard]] bool is_scalar() const { return kind == Kind::Scalar; }
  [[nodiscard]] bool is_map() const { return kind == Kind::Map; }
  [[nodiscard]] bool is_list() const { return kind == Kind::List; }
  [[nodiscard]] bool is_null() const { return kind == Kind::Null; }
  /// "a mapping", "a list", "nothing", "a value": for messages.
  [[nodiscard]] std::string_view kind_name() const;
  /// The place of the letter @p at of a scalar; of the whole scalar where that is not known.
  [[nodiscard]] SourcePlace place_of(std::size_t at) const;
};

struct YamlNode::Member {
  std::string key;
  SourcePlace place;  ///< of the key
  YamlNode value;
  /// At the top of a file: it sets an anchor (&name) that another entry of the top uses (*name).
  bool lends = false;
};

/// Reads the first document of @p text, called @p file in places. Faults go to @p problems, in the
/// words of who wrote the file; what could be read is returned (Null when nothing). Bounded in
/// depth and, against aliases that multiply, in size.
[[nodiscard]] YamlNode read_yaml(const std::string& text, const std::string& file,
                                 std::vector<Problem>& problems);

/// Whether one of @p problems is an error, from the entry @p first on.
[[nodiscard]] bool has_errors(const std::vector<Problem>& problems, std::size_t first = 0);

/// Calls @p visit for each scalar of @p node, whose path is @p path, with its own path.
void for_each_scalar(YamlNode& node, const std::string& path,
                     const std::function<void(YamlNode&, const std::string&)>& visit);

}  // namespace rouse
