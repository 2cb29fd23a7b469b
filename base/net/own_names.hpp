#pragma once

#include <set>
#include <string>
#include <string_view>

namespace rouse {

// A web page can have its own name resolve to our address (DNS rebinding). For its browser we are
// then a part of that page's site: Origin and Host agree, and no rule about origins sees anything.
// What the page cannot choose is the name, which is its own, and in the Host of each request. So
// only names that nobody else can have resolve to us are taken, and those that a configuration
// lists.

/// The names of this machine, in lower case.
using OwnNames = std::set<std::string, std::less<>>;

/// The name in @p host, a Host field: without its port and the dot of the root, in lower case.
[[nodiscard]] std::string name_in_host(std::string_view host);

/// Of a machine called @p hostname: that, HOSTNAME.local, HOSTNAME with each of the search domains
/// in @p resolv (/etc/resolv.conf), and what stands beside it on a line of @p hosts (/etc/hosts).
/// Nobody is asked for them: a name server could be anybody's.
[[nodiscard]] OwnNames own_names(std::string_view hostname, std::string_view hosts,
                                 std::string_view resolv);
/// The same for this machine, with the name in @p listen_host, if it is one.
[[nodiscard]] OwnNames look_up_own_names(const std::string& listen_host);

/// Whether @p host, a Host field, is a name by which only this machine is meant: an IP address,
/// localhost, a name without a dot, one below .localhost, .ts.net, .internal, .home.arpa, .svc or
/// .svc.cluster.local, or one of @p own. A port does not matter.
[[nodiscard]] bool is_own_host(std::string_view host, const OwnNames& own);

}  // namespace rouse
