#pragma once

#include "base/endpoint.hpp"
#include "base/yaml_tree.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rouse::suspendd {

using std::chrono::milliseconds;

// The settings of each kind of activity check. Rates are measured over `over`.
struct ProxyCheck {};  ///< requests, queue, loads at our own proxy, over its power socket
struct LlamaSwapCheck {
  Endpoint url;  ///< of a llama-swap: /api/events (inflight) and /running
  std::string api_key;
};
struct PrometheusCheck {
  Endpoint url;  ///< base_path is the whole path: http://127.0.0.1:8000/metrics
  /// Active when the sum over all series of one of these is above zero.
  std::vector<std::string> metrics{"vllm:num_requests_running", "vllm:num_requests_waiting",
                                   "llamacpp:requests_processing", "llamacpp:requests_deferred"};
};
struct HttpJsonCheck {
  Endpoint url;
  std::string pointer;  ///< RFC 6901, into the answer
  /// Idle when the value there is one of these as JSON text; default: 0, false, null, "", [], {}.
  std::vector<std::string> idle_values{"0", "false", "null", "\"\"", "[]", "{}"};
};
struct SessionsCheck {             ///< logind
  milliseconds idle{60 * 60'000};  ///< a session without input for so long does not count
  std::vector<std::string> ignore_users;
  bool local = true;  ///< also those at the machine itself
};
struct SshCheck {                    ///< established connections to sshd by socket diagnostics
  std::vector<std::uint16_t> ports;  ///< empty: wherever an sshd listens, else 22
  milliseconds idle{60 * 60'000};    ///< nothing received for so long does not count
};
struct TtyCheck {  ///< terminals' access times
  milliseconds idle{15 * 60'000};
};
struct InhibitorsCheck {
  std::vector<std::string> ignore;  ///< by Who
};
struct GpuCheck {
  int util_percent = 5;                    ///< at or above in any sample since the last look
  bool foreign_only = true;                ///< engines of our own proxy do not count
  std::string nvml = "libnvidia-ml.so.1";  ///< for dlopen
  std::vector<std::string> ignore_processes;
};
struct CpuCheck {
  double cores = 0.25;   ///< busy, in cores
  double pressure = 10;  ///< or PSI cpu some avg60 at or above; 0: not asked
  std::string cgroup;    ///< of this cgroup only; empty: the whole machine
  milliseconds over{60'000};
};
struct NetCheck {
  std::vector<std::string> interfaces;  ///< empty: all but lo, veth*, docker*, br-*, tun*, …
  std::uint64_t bytes_per_second = 1024 * 1024;
  milliseconds over{60'000};
};
struct DiskCheck {
  std::vector<std::string> devices;  ///< empty: all whole disks but loop, ram, zram
  std::uint64_t bytes_per_second = 5 * 1024 * 1024;
  milliseconds over{60'000};
};
struct PortCheck {                   ///< established connections to local ports
  std::vector<std::uint16_t> ports;  ///< never empty
  milliseconds idle{15 * 60'000};    ///< 0: a connection counts however silent it is
};
struct ProcessCheck {
  std::vector<std::string> names;  ///< comm or first word's basename, exact; never empty
  std::string command;             ///< RE2 found in the command line; empty: not asked
  double cores = 0;                ///< only when it uses at least so much; 0: by existing
};
struct UnitCheck {
  std::vector<std::string> units;  ///< systemd units; active or activating counts
};
struct MountCheck {
  std::vector<std::string> points;  ///< mounted counts
};
struct FileMtimeCheck {
  std::vector<std::string> paths;  ///< globs
  milliseconds idle{15 * 60'000};  ///< changed within counts
};
struct CommandCheck {
  std::vector<std::string> argv;  ///< no shell; exit 0 active, 1 idle, other unknown
};
struct WindowCheck {  ///< awake at these times of the week
  struct Span {
    std::uint8_t days = 0x7F;  ///< bit 0: Monday
    int from = 0;              ///< minutes after midnight
    int to = 24 * 60;          ///< smaller than from: past midnight
  };
  std::vector<Span> spans;
  std::string time_zone;  ///< empty: the machine's
};
struct UpcomingCheck {              ///< a wake-up or timer is due soon: not worth sleeping
  std::vector<std::string> timers;  ///< systemd timers; our own wakeups always count
  milliseconds min_sleep{10 * 60'000};
};

using CheckSettings =
    std::variant<ProxyCheck, LlamaSwapCheck, PrometheusCheck, HttpJsonCheck, SessionsCheck,
                 SshCheck, TtyCheck, InhibitorsCheck, GpuCheck, CpuCheck, NetCheck, DiskCheck,
                 PortCheck, ProcessCheck, UnitCheck, MountCheck, FileMtimeCheck, CommandCheck,
                 WindowCheck, UpcomingCheck>;

struct CheckConfig {
  std::string name;  ///< unique; its kind when there is one of that kind
  CheckSettings settings;
  milliseconds timeout{5'000};  ///< for one look; beyond it is unknown
  milliseconds every{5'000};
};

}  // namespace rouse::suspendd
