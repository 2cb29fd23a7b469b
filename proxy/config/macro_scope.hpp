#pragma once

#include "base/yaml/tree.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// No value grows beyond this by its macros.
inline constexpr std::size_t kExpansionMax = 1024 * 1024;

struct Macro {
  std::string name;
  std::string text;
  bool quoted = false;     ///< a text, whatever it looks like
  SourcePlace place = {};  ///< of its text
  std::string path = {};   ///< "macros.NAME", or that of a model's own
};

/// Macros in the order of the file; what a reference means is found by name.
class MacroScope {
 public:
  /// At the place of one with the same name, which it replaces.
  void add(Macro macro);
  /// Adds those of the mapping @p node, whose path is @p path. What is wrong with one goes to
  /// @p problems, behind @p prefix; null: it was told before.
  void read(const YamlNode* node, const std::string& path, const std::string& prefix,
            std::vector<Problem>* problems);

  [[nodiscard]] std::size_t size() const { return macros_.size(); }
  [[nodiscard]] const Macro& operator[](std::size_t at) const { return macros_[at]; }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  /// The last macro before @p end that @p text names.
  [[nodiscard]] std::optional<std::size_t> last_named(std::string_view text, std::size_t end) const;
  /// Whether there is one of that name that is of no use, or may be: what lacks it need not be
  /// told.
  [[nodiscard]] bool is_faulty(std::string_view name) const {
    return !is_whole_ || faulty_.contains(name);
  }

 private:
  std::vector<Macro> macros_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::set<std::string, std::less<>> faulty_;
  bool is_whole_ = true;  // false: something else stands where macros were to be
};

/// "${name}".
[[nodiscard]] std::string macro_reference(std::string_view name);

/// @p text with each @p from replaced; stops soon after it has become longer than kExpansionMax.
[[nodiscard]] std::string with_replaced(std::string_view text, std::string_view from,
                                        std::string_view to);

/// Calls @p visit for the name of each ${name} in @p text until it returns true. Text such as
/// ${x:-y} is no macro.
void for_each_reference(std::string_view text, const std::function<bool(std::string_view)>& visit);

/// The name of the first ${name} in @p text; empty: there is none.
[[nodiscard]] std::string first_reference(std::string_view text);

}  // namespace rouse
