#pragma once

#include "tests/fake_engine/model.hpp"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <string>
#include <string_view>

namespace fake_engine {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

/// Adds a line of JSON about @p request to the file that --record names. Of the body: its length,
/// its FNV-1a hash and its first 2000 bytes.
void write_record(World& world, const Request& request);

[[nodiscard]] bool is_form(const Request& request);
[[nodiscard]] bool says_json(const Request& request);

/// The last part of the "filename" in the body of a slot's action.
[[nodiscard]] std::string slot_file(std::string_view body);

}  // namespace fake_engine
