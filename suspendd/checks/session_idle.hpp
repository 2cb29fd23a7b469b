#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/checks/stamp_ages.hpp"
#include "suspendd/systemd/logind.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace rouse::suspendd {

/// Tells since when nobody has typed in a session.
///
/// A graphical session says it itself (IdleHint). For the others logind keeps none as a rule, and
/// newer ssh does not tell it the terminal: then the terminals of the leader's descendants and of
/// what runs in the session's scope (mosh) are looked at. A terminal's access time moves, in steps
/// of 8 s, when something is read from it, so by typing.
class SessionIdle {
 public:
  using Now = std::function<std::chrono::steady_clock::time_point()>;
  using Wall = std::function<std::chrono::system_clock::time_point()>;

  SessionIdle(const Root& root, Now now, Wall wall)
      : root_(root), now_(std::move(now)), wall_(std::move(wall)) {}

  /// nullopt: it has no terminal and keeps no hint, so nothing tells.
  [[nodiscard]] std::optional<std::chrono::milliseconds> age(const Session& session);
  /// Around each round of age(): processes are read once for it, and terminals that nobody asked
  /// for are forgotten after it.
  void begin_round();
  void end_round();

 private:
  struct Process {
    pid_t pid = 0;
    std::string tty;    ///< "pts/3"; empty: none
    std::string scope;  ///< "session-5.scope", where it has a terminal
  };

  [[nodiscard]] std::optional<std::chrono::milliseconds> terminal_age(const std::string& tty);
  [[nodiscard]] std::set<std::string> terminals_of(const Session& session);
  void read_processes();

  const Root& root_;
  Now now_;
  Wall wall_;
  StampAges terminals_;
  std::optional<std::multimap<pid_t, Process>> processes_;  ///< by parent; for one round
};

}  // namespace rouse::suspendd
