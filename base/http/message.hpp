#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// Header fields in order of arrival, with the case they came in. Names compare without case.
/// Small and contiguous: a head has some twenty fields, and a scan beats a tree.
class Fields {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);  ///< replaces all of that name by one
  void erase(std::string_view name);
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;  ///< the first
  [[nodiscard]] bool contains(std::string_view name) const { return find(name).has_value(); }
  /// Whether the comma-separated lists of all fields called @p name hold @p token (without case).
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
  template <class Predicate>
  void erase_if(Predicate predicate) {
    std::erase_if(fields_, predicate);
  }

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

[[nodiscard]] bool equal_without_case(std::string_view a, std::string_view b);

/// How the end of a body is known.
enum class Framing {
  None,    ///< no body
  Length,  ///< Content-Length
  Chunked,
  UntilClose,  ///< responses only
};

struct RequestHead {
  std::string method;
  std::string target;  ///< as sent, never normalised
  int version = 11;    ///< 10 or 11
  Fields fields;
  Framing framing = Framing::None;
  std::uint64_t content_length = 0;  ///< with Framing::Length
  bool keep_alive = true;            ///< the client's wish, by version and Connection

  /// The target without its query.
  [[nodiscard]] std::string_view path() const;
  /// The text after '?', or empty.
  [[nodiscard]] std::string_view query() const;
};

struct ResponseHead {
  int status = 200;
  std::string reason;
  int version = 11;
  Fields fields;
  Framing framing = Framing::None;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

/// RFC 9110 §7.6.1: removes Connection, what it names, and the hop-by-hop fields, also
/// Content-Length and Transfer-Encoding: the framing of the next hop is HttpStream's to write.
void remove_hop_by_hop(Fields& fields);

[[nodiscard]] std::string_view reason_phrase(int status);

/// @p text without the optional whitespace around it (OWS, RFC 9110 §5.6.3).
[[nodiscard]] std::string_view trim_ows(std::string_view text);
/// Whether @p text is a token (RFC 9110 §5.6.2), as names of fields and methods are.
[[nodiscard]] bool is_token(std::string_view text);

}  // namespace rouse
