#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// How a relay is run, as texts from a command line or a file; run_relay() checks them.
struct RelayOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9009;
  std::string token;                   ///< that clients must show as Bearer; see token_file
  std::string token_file;              ///< or the file that has it in its first line
  std::vector<std::string> macs;       ///< the only machines that it wakes; empty: any
  std::string interface;               ///< packets leave by this one; empty: by all
  std::string source;                  ///< and from this IPv4 address
  std::vector<std::string> broadcast;  ///< to these addresses; empty: those of the interfaces
  bool raw = false;                    ///< also as ethertype 0x0842
  int packets_per_minute = 600;        ///< beyond it: 429
  std::string log_level = "info";
};

/// Sends magic packets on this host's networks for a proxy that cannot reach them:
///
///     POST /v1/wake   Authorization: Bearer TOKEN, Content-Type: application/json
///         {"mac":"3c:…"} or {"macs":["3c:…"]}, and if wanted "broadcast", "port" (each one or a
///         list; also "ports"), "secureon"
///         200 {"message":"4 of 4 packets sent","sent":4,"paths":[{"path","destination","mac","ok",
///         "code","text"}]}; 502 with the same when none could be sent
///         400, 401, 403 mac_not_allowed, 405, 413, 415, 421 host_unknown, 429 with Retry-After:
///         {"code","message"}
///     GET /health     200 {"status":"ok"}, without a token
///
/// Without a token, which only this host's own programs may do, it is asked for by names of this
/// host (base/net/own_names): no web page wakes a machine by it.
///
/// Runs until SIGTERM or SIGINT. Returns the exit status: 2 for options that cannot be (one line
/// for each on stderr; on an address that others reach, a token is needed), 1 when it cannot
/// listen.
int run_relay(const RelayOptions& options);

}  // namespace rouse::suspendd
