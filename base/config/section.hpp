#pragma once

#include "base/config/table.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse {

/// A text of a list, and what a problem says of where it is.
struct ListItem {
  std::string text;
  SourcePlace place;
  std::string key;  ///< "aliases[0]"
};

/// One mapping of a checked file, read key by key: only keys that its table has, so that the table
/// and the reader cannot drift apart. What check_shape() has refused already reads as its default
/// here, so that one fault is told once.
class Section {
 public:
  /// The whole file; @p root may be null: all defaults. Both outlive the section.
  Section(const YamlNode* root, const ConfigTable& table, std::vector<Problem>& problems)
      : Section(root, root == nullptr ? SourcePlace{} : root->place, "", &table.top(), table,
                problems) {}

  [[nodiscard]] bool is_given(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key, std::string otherwise = {}) const;
  [[nodiscard]] bool truth(std::string_view key, bool otherwise) const;
  [[nodiscard]] int number(std::string_view key, int otherwise) const;
  [[nodiscard]] double real(std::string_view key, double otherwise) const;
  [[nodiscard]] std::chrono::seconds seconds(std::string_view key, int otherwise) const {
    return std::chrono::seconds(number(key, otherwise));
  }
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view key,
                                                   std::chrono::milliseconds otherwise) const;
  [[nodiscard]] std::uint64_t size(std::string_view key, std::uint64_t otherwise) const;
  /// Of a list, or the one text that may stand for it.
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  [[nodiscard]] std::vector<ListItem> items(std::string_view key) const;
  [[nodiscard]] Section section(std::string_view key) const;
  /// Calls @p read for each entry of the mapping @p key, in the order of the file.
  void each(std::string_view key,
            const std::function<void(const YamlNode::Member&, Section)>& read) const;
  /// Calls @p read for each mapping of the SectionList or KindList @p key, with its kind.
  void each_item(std::string_view key,
                 const std::function<void(const std::string& kind, Section)>& read) const;

  [[nodiscard]] const YamlNode* node(std::string_view key) const;
  [[nodiscard]] std::string path(std::string_view key) const;
  /// A fault of the value of @p key (of the whole section when it is empty or not there).
  void fault(std::string_view key, std::string text) const;
  void fault_at(const SourcePlace& place, std::string_view key, std::string text) const;
  void fault_at(const ListItem& item, std::string text) const {
    fault_at(item.place, item.key, std::move(text));
  }
  void warn(std::string_view key, std::string text) const;
  void warn_at(const SourcePlace& place, std::string_view key, std::string text) const;

 private:
  /// @p keys: null where the names are the user's.
  Section(const YamlNode* node, SourcePlace place, std::string path, const ConfigSection* keys,
          const ConfigTable& table, std::vector<Problem>& problems)
      : node_(node),
        place_(std::move(place)),
        path_(std::move(path)),
        keys_(keys),
        table_(table),
        problems_(problems) {}

  [[nodiscard]] const YamlNode* given(std::string_view key) const;
  [[nodiscard]] const ConfigSection* keys_below(std::string_view key) const;
  [[nodiscard]] SourcePlace place_of(std::string_view key) const;

  const YamlNode* node_;  // null: not given, all defaults
  SourcePlace place_;
  std::string path_;
  const ConfigSection* keys_;
  const ConfigTable& table_;
  std::vector<Problem>& problems_;
};

/// @p text without blanks around it.
[[nodiscard]] std::string trimmed(std::string_view text);

}  // namespace rouse
