#include "tests/fake_logind/fake.hpp"

#include <cstdlib>

// The vtables: names and types as in org.freedesktop.login1(5) and org.freedesktop.systemd1(5).

namespace rouse::test::fake_logind {
namespace {

Fake& fake_of(void* userdata) {
  return *static_cast<Fake*>(userdata);
}

int on_method(sd_bus_message* message, void* userdata, sd_bus_error* error) {
  return fake_of(userdata).on_method(message, error);
}

int append_bool(sd_bus_message* reply, bool value) {
  return sd_bus_message_append(reply, "b", value ? 1 : 0);
}

int append_text(sd_bus_message* reply, const std::string& value) {
  return sd_bus_message_append(reply, "s", value.c_str());
}

int manager_property(sd_bus*, const char*, const char*, const char* name, sd_bus_message* reply,
                     void* userdata, sd_bus_error* error) {
  Fake& fake = fake_of(userdata);
  const std::string property = name;
  if (const int failed = fake.on_property(property, error); failed < 0) return failed;
  if (property == "PreparingForSleep") return append_bool(reply, fake.preparing);
  if (property == "BlockInhibited") return append_text(reply, fake.inhibited("block"));
  if (property == "DelayInhibited") return append_text(reply, fake.inhibited("delay"));
  if (property == "InhibitDelayMaxUSec") {
    return sd_bus_message_append(reply, "t", fake.delay_max_us);
  }
  return sd_bus_message_append(reply, "(st)", fake.shutdown_kind.c_str(), fake.shutdown_at);
}

int session_property(sd_bus*, const char*, const char*, const char* name, sd_bus_message* reply,
                     void* userdata, sd_bus_error*) {
  const Session& session = *static_cast<Session*>(userdata);
  const std::string property = name;
  if (property == "User") {
    const std::string path = "/org/freedesktop/login1/user/_" + std::to_string(session.uid);
    return sd_bus_message_append(reply, "(uo)", session.uid, path.c_str());
  }
  if (property == "Leader") return sd_bus_message_append(reply, "u", session.leader);
  if (property == "IdleSinceHintMonotonic") {
    return sd_bus_message_append(reply, "t", session.idle_since);
  }
  if (property == "Remote") return append_bool(reply, session.remote);
  if (property == "IdleHint") return append_bool(reply, session.idle_hint);
  if (property == "Id") return append_text(reply, session.id);
  if (property == "Name") return append_text(reply, session.user);
  if (property == "Class") return append_text(reply, session.session_class);
  if (property == "Type") return append_text(reply, session.type);
  if (property == "State") return append_text(reply, session.state);
  if (property == "RemoteHost") return append_text(reply, session.remote_host);
  if (property == "Service") return append_text(reply, session.service);
  if (property == "Scope") return append_text(reply, session.scope);
  return append_text(reply, session.tty);
}

int systemd_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                    void* userdata, sd_bus_error*) {
  return append_text(reply, std::to_string(fake_of(userdata).version()) + ".39-1~deb12u1");
}

int unit_property(sd_bus*, const char*, const char*, const char* name, sd_bus_message* reply,
                  void* userdata, sd_bus_error*) {
  const Unit& unit = *static_cast<Unit*>(userdata);
  const std::string property = name;
  if (property == "ExecMainStatus") {
    return sd_bus_message_append(reply, "i", unit.exec_main_status);
  }
  if (property == "NextElapseUSecRealtime") return sd_bus_message_append(reply, "t", unit.realtime);
  if (property == "NextElapseUSecMonotonic") {
    return sd_bus_message_append(reply, "t", unit.monotonic);
  }
  if (property == "ActiveState") return append_text(reply, unit.active);
  if (property == "SubState") return append_text(reply, unit.sub);
  if (property == "LoadState") return append_text(reply, unit.load);
  if (property == "UnitFileState") return append_text(reply, unit.file);
  return append_text(reply, unit.result);
}

int find_session(sd_bus*, const char* path, const char*, void* userdata, void** found,
                 sd_bus_error*) {
  *found = fake_of(userdata).session_at(path);
  return *found != nullptr ? 1 : 0;
}

int find_unit(sd_bus*, const char* path, const char*, void* userdata, void** found, sd_bus_error*) {
  *found = fake_of(userdata).unit_at(path);
  return *found != nullptr ? 1 : 0;
}

constexpr std::uint64_t kOpen = SD_BUS_VTABLE_UNPRIVILEGED;

const sd_bus_vtable kManagerTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("CanSuspend", "", "s", on_method, kOpen),
    SD_BUS_METHOD("Suspend", "b", "", on_method, kOpen),
    SD_BUS_METHOD("SuspendWithFlags", "t", "", on_method, kOpen),
    SD_BUS_METHOD("Inhibit", "ssss", "h", on_method, kOpen),
    SD_BUS_METHOD("ListInhibitors", "", "a(ssssuu)", on_method, kOpen),
    SD_BUS_METHOD("ListSessions", "", "a(susso)", on_method, kOpen),
    SD_BUS_PROPERTY("PreparingForSleep", "b", manager_property, 0, 0),
    SD_BUS_PROPERTY("BlockInhibited", "s", manager_property, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("DelayInhibited", "s", manager_property, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", manager_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("ScheduledShutdown", "(st)", manager_property, 0, 0),
    SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
    SD_BUS_SIGNAL("SessionNew", "so", 0),
    SD_BUS_SIGNAL("SessionRemoved", "so", 0),
    SD_BUS_VTABLE_END,
};

const sd_bus_vtable kExTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("ListSessionsEx", "", "a(sussussbto)", on_method, kOpen),
    SD_BUS_VTABLE_END,
};

const sd_bus_vtable kSessionTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Id", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("User", "(uo)", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Name", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("TTY", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Remote", "b", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("RemoteHost", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Service", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Scope", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Leader", "u", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Type", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Class", "s", session_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("State", "s", session_property, 0, 0),
    SD_BUS_PROPERTY("IdleHint", "b", session_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("IdleSinceHintMonotonic", "t", session_property, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

const sd_bus_vtable kSystemdTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("LoadUnit", "s", "o", on_method, kOpen),
    SD_BUS_METHOD("StartUnit", "ss", "o", on_method, kOpen),
    SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", on_method, kOpen),
    SD_BUS_METHOD("Subscribe", "", "", on_method, kOpen),
    SD_BUS_PROPERTY("Version", "s", systemd_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
    SD_BUS_VTABLE_END,
};

const sd_bus_vtable kUnitTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("LoadState", "s", unit_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("ActiveState", "s", unit_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("SubState", "s", unit_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("UnitFileState", "s", unit_property, 0, 0),
    SD_BUS_VTABLE_END,
};

const sd_bus_vtable kServiceTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Result", "s", unit_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ExecMainStatus", "i", unit_property, 0, 0),
    SD_BUS_VTABLE_END,
};

const sd_bus_vtable kTimerTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("NextElapseUSecRealtime", "t", unit_property, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("NextElapseUSecMonotonic", "t", unit_property, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

}  // namespace

bool add_objects(sd_bus* bus, Fake& fake) {
  const auto unit = [&](const char* interface, const sd_bus_vtable* table) {
    return sd_bus_add_fallback_vtable(bus, nullptr, kUnitRoot, interface, table, find_unit, &fake);
  };
  return sd_bus_add_object_vtable(bus, nullptr, kLoginPath, kManager, kManagerTable, &fake) >= 0 &&
         sd_bus_add_fallback_vtable(bus, nullptr, kSessionRoot, "org.freedesktop.login1.Session",
                                    kSessionTable, find_session, &fake) >= 0 &&
         sd_bus_add_object_vtable(bus, nullptr, kSystemdPath, kSystemdManager, kSystemdTable,
                                  &fake) >= 0 &&
         unit("org.freedesktop.systemd1.Unit", kUnitTable) >= 0 &&
         unit("org.freedesktop.systemd1.Service", kServiceTable) >= 0 &&
         unit("org.freedesktop.systemd1.Timer", kTimerTable) >= 0;
}

int add_list_sessions_ex(sd_bus* bus, sd_bus_slot** slot, Fake& fake) {
  return sd_bus_add_object_vtable(bus, slot, kLoginPath, kManager, kExTable, &fake);
}

std::string encoded(const char* root, const std::string& name) {
  char* path = nullptr;
  if (sd_bus_path_encode(root, name.c_str(), &path) < 0) return {};
  std::string result = path;
  std::free(path);
  return result;
}

}  // namespace rouse::test::fake_logind
