#include "base/net/own_names.hpp"

#include "base/text/ascii.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace rouse {

namespace {

/// Below these nobody on the internet can have a name, or none that leads to an address of ours.
/// (.internal: host.docker.internal, host.containers.internal.)
constexpr std::array<std::string_view, 6> kPrivateEnds = {
    ".localhost", ".ts.net", ".internal", ".home.arpa", ".svc", ".svc.cluster.local"};

bool is_address(const std::string& name) {
  in_addr v4{};
  // Also 127.1 and 0x7f000001, which curl leaves as they were typed; no name looks like that.
  return name.starts_with('[') || ::inet_aton(name.c_str(), &v4) != 0;
}

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The words of each line of @p text that is no comment.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find_first_of("#;")));
    const std::vector<std::string> list{std::istream_iterator<std::string>(words), {}};
    if (!list.empty()) visit(list);
  }
}

}  // namespace

std::string name_in_host(std::string_view host) {
  if (host.starts_with('[')) return to_lower(host.substr(0, host.find(']') + 1));
  std::string name = to_lower(host.substr(0, host.find(':')));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

OwnNames own_names(std::string_view hostname, std::string_view hosts, std::string_view resolv) {
  const std::string whole = to_lower(hostname);
  const std::string label = whole.substr(0, whole.find('.'));
  if (label.empty()) return {};
  OwnNames names{whole, label, label + ".local"};
  each_line(hosts, [&](const std::vector<std::string>& words) {
    const auto is_us = [&](const std::string& word) {
      const std::string name = to_lower(word);
      return name == whole || name == label;
    };
    if (std::none_of(words.begin() + 1, words.end(), is_us)) return;
    for (std::size_t i = 1; i < words.size(); ++i) names.insert(to_lower(words[i]));
  });
  each_line(resolv, [&](const std::vector<std::string>& words) {
    if (words.front() != "search" && words.front() != "domain") return;
    for (std::size_t i = 1; i < words.size(); ++i) {
      std::string domain = to_lower(words[i]);
      while (domain.ends_with('.')) domain.pop_back();
      if (!domain.empty()) names.insert(label + "." + domain);
    }
  });
  return names;
}

OwnNames look_up_own_names(const std::string& listen_host) {
  std::array<char, 256> hostname{};
  if (::gethostname(hostname.data(), hostname.size() - 1) != 0) hostname.fill('\0');
  OwnNames names = own_names(hostname.data(), text_of("/etc/hosts"), text_of("/etc/resolv.conf"));
  if (!listen_host.empty()) names.insert(name_in_host(listen_host));
  return names;
}

bool is_own_host(std::string_view host, const OwnNames& own) {
  const std::string name = name_in_host(host);
  if (name.find('.') == std::string::npos || is_address(name)) return true;
  return own.contains(name) ||
         std::any_of(kPrivateEnds.begin(), kPrivateEnds.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace rouse
