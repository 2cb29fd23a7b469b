#pragma once

#include "base/text/json_writer.hpp"
#include "proxy/peers/peers.hpp"
#include "proxy/wire/model_list.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rouse {

/// Of which models, by PEER/MODEL or as they were asked for, may be told.
using PeersSees = std::function<bool(const std::string& model)>;

/// What a listing says of the models of other machines; nobody is asked for it, and nothing wakes.
[[nodiscard]] std::vector<wire::ModelEntry> peer_entries(const Peers& peers);
/// What is known of each: a list.
void write_peers(JsonWriter& json, const Peers& peers, const PeersSees& sees);
/// The body of `GET /api/peers`.
[[nodiscard]] std::string peers_text(const Peers& peers, const PeersSees& sees);

}  // namespace rouse
