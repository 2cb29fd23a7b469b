#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/logind_bus.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace rouse::suspendd {
namespace {

constexpr const char* kSession = "org.freedesktop.login1.Session";

/// The fields of one row of ListSessionsEx(), "(sussussbto)"; TTY, idle hint and the rest are asked
/// for with the properties.
Session read_row_ex(BusReader& reader) {
  Session session;
  reader.structure("sussussbto");
  session.id = reader.string();
  session.uid = reader.u32();
  session.user = reader.string();
  session.seat = reader.string();
  session.leader = static_cast<pid_t>(reader.u32());
  session.session_class = reader.string();
  session.tty = reader.string();
  session.idle_hint = reader.boolean();
  session.idle_since = span_of(reader.u64());
  session.path = reader.path();
  reader.leave();
  return session;
}

Session read_row(BusReader& reader) {
  Session session;
  reader.structure("susso");
  session.id = reader.string();
  session.uid = reader.u32();
  session.user = reader.string();
  session.seat = reader.string();
  session.path = reader.path();
  reader.leave();
  return session;
}

std::string text_in_variant(BusReader& reader) {
  reader.variant("s");
  std::string text = reader.string();
  reader.leave();
  return text;
}

bool flag_in_variant(BusReader& reader) {
  reader.variant("b");
  const bool flag = reader.boolean();
  reader.leave();
  return flag;
}

void read_property(BusReader& reader, const std::string& name, Session& session) {
  if (name == "Class") {
    session.session_class = text_in_variant(reader);
  } else if (name == "Type") {
    session.type = text_in_variant(reader);
  } else if (name == "State") {
    session.state = text_in_variant(reader);
  } else if (name == "Remote") {
    session.remote = flag_in_variant(reader);
  } else if (name == "RemoteHost") {
    session.remote_host = text_in_variant(reader);
  } else if (name == "Service") {
    session.service = text_in_variant(reader);
  } else if (name == "TTY") {
    session.tty = text_in_variant(reader);
  } else if (name == "Scope") {
    session.scope = text_in_variant(reader);
  } else if (name == "IdleHint") {
    session.idle_hint = flag_in_variant(reader);
  } else if (name == "Leader") {
    reader.variant("u");
    session.leader = static_cast<pid_t>(reader.u32());
    reader.leave();
  } else if (name == "IdleSinceHintMonotonic") {
    reader.variant("t");
    session.idle_since = span_of(reader.u64());
    reader.leave();
  } else {
    reader.skip("v");
  }
}

}  // namespace

Task<Result<std::vector<Session>>> Logind::list() {
  std::vector<Session> found;
  if (has_list_ex_) {
    const auto answer = co_await ask("ListSessionsEx");
    if (answer) {
      BusReader reader(*answer);
      reader.array("(sussussbto)");
      while (reader.more()) found.push_back(read_row_ex(reader));
      reader.leave();
      const auto read = reader.finish("ListSessionsEx");
      if (!read) co_return read.error();
      co_return found;
    }
    // Older than 256. The policy that Debian 12 ships for the bus forbids what it does not know.
    const auto& code = answer.error().code;
    if (code != BusErrc::UnknownMethod && code != BusErrc::AccessDenied) co_return answer.error();
    has_list_ex_ = false;
  }
  const auto answer = co_await ask("ListSessions");
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  reader.array("(susso)");
  while (reader.more()) found.push_back(read_row(reader));
  reader.leave();
  const auto read = reader.finish("ListSessions");
  if (!read) co_return read.error();
  co_return found;
}

/// False: the session has ended meanwhile.
Task<Result<bool>> Logind::fill(Session& session) {
  BusCall call;
  call.to = BusObject{kLogindService, session.path, "org.freedesktop.DBus.Properties"};
  call.member = "GetAll";
  call.arguments.emplace_back(std::string(kSession));
  const auto answer = co_await bus_.call(std::move(call));
  if (!answer) {
    const auto& code = answer.error().code;
    if (code == BusErrc::UnknownObject || code == BusErrc::NoSuchSession) co_return false;
    co_return answer.error();
  }
  BusReader reader(*answer);
  reader.array("{sv}");
  while (reader.more()) {
    reader.entry("sv");
    const std::string name = reader.string();
    read_property(reader, name, session);
    reader.leave();
  }
  reader.leave();
  const auto read = reader.finish("session " + session.id);
  if (!read) co_return read.error();
  co_return true;
}

Task<Result<std::vector<Session>>> Logind::sessions() {
  auto listed = co_await list();
  if (!listed) co_return listed.error();
  std::vector<Session> found;
  found.reserve(listed->size());
  for (Session& session : *listed) {
    bool lives = true;
    if (session.session_class.empty() || session.is_user()) {
      const auto filled = co_await fill(session);
      if (!filled) co_return filled.error();
      lives = *filled;
    }
    if (lives) found.push_back(std::move(session));
  }
  co_return found;
}

}  // namespace rouse::suspendd
