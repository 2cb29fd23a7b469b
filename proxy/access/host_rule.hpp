#pragma once

#include "base/http/message.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace rouse {

// By which names we may be asked for.
//
// A web page can have its own name resolve to our address (DNS rebinding). For its browser we are
// then a part of that page's site: Origin and Host agree, and no rule about origins sees anything.
// What the page cannot choose is the name, which is its own, and in the Host of each request. So
// only names that nobody else can have resolve to us are taken, and those that `hosts:` lists.
//
// With keys the name does not matter where a key comes in a field of its own, Authorization: Bearer
// or x-api-key: a page can send only one that it knows. A password of Basic does not count:
// browsers ask for it in the page's name, and from then on send it by themselves.
//
// Health checks may use any name: they tell nothing, and load balancers use names of their own.

/// The names of this machine, in lower case.
using OwnNames = std::set<std::string, std::less<>>;

/// Of a machine called @p hostname: that, HOSTNAME.local, HOSTNAME with each of the search domains
/// in @p resolv (/etc/resolv.conf), and what stands beside it on a line of @p hosts (/etc/hosts).
/// Nobody is asked for them: a name server could be anybody's.
[[nodiscard]] OwnNames own_names(std::string_view hostname, std::string_view hosts,
                                 std::string_view resolv);
/// The same for this machine, with the name in --listen, if it is one.
[[nodiscard]] OwnNames look_up_own_names(const std::string& listen_host);

/// Whether @p host, a Host field, is a name by which only this machine is meant: an IP address,
/// localhost, a name without a dot, one below .localhost, .ts.net, .internal, .home.arpa, .svc or
/// .svc.cluster.local, or one of @p own. A port does not matter.
[[nodiscard]] bool is_own_host(std::string_view host, const OwnNames& own);

/// 421 for a request that came by another name than these and those of `hosts:`; nullopt: go on.
/// @p route: null where none was found.
[[nodiscard]] std::optional<Failure> host_fault(const Config& config, const OwnNames& own,
                                                const wire::Route* route,
                                                const RequestHead& request);

}  // namespace rouse
