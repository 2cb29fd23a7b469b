#pragma once

#include "suspendd/bus/bus.hpp"
#include "suspendd/bus/bus_link.hpp"

#include <systemd/sd-bus.h>

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

// The inside of Bus: what calls and subscriptions leave with it.

namespace rouse::suspendd {

struct BusUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
  /// Also ends what the slot stands for: its callback does not come any more.
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using BusMessagePtr = std::unique_ptr<sd_bus_message, BusUnref>;
using BusSlot = std::unique_ptr<sd_bus_slot, BusUnref>;

struct BusSubscription::Entry : std::enable_shared_from_this<BusSubscription::Entry> {
  BusObject from;
  std::string member;
  std::function<void(const BusMessage&)> on_signal;  ///< one of the two
  std::function<void(bool)> on_service;
  Bus::State* state = nullptr;  ///< null: ended
  BusSlot slot;                 ///< the match on the present connection

  void end() {
    slot.reset();
    state = nullptr;
  }
};

/// A call that waits for its answer, in the frame of its coroutine.
struct Pending {
  explicit Pending(const Executor& executor) : bell(executor) {}
  ~Pending();
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  int send(Bus::State& to, sd_bus_message* message);

  BusTimer bell;  ///< its deadline; cancelled when there is an answer
  BusMessage answer;
  bool lost = false;
  Bus::State* state = nullptr;
  std::list<Pending*>::iterator place;
  BusSlot slot;
};

struct Bus::State {
  State(Executor runs_on, BusOptions how)
      : executor(std::move(runs_on)), options(std::move(how)), pause(executor) {}

  /// A name whose owner is followed.
  struct Service {
    std::string owner;  ///< the unique name; empty: none, or not known yet
    BusSlot changes;
    BusSlot question;
    State* state = nullptr;
    std::string name;
  };

  void open();
  void on_ready();
  /// Fails what waits, tells that the services are gone.
  void lose(boost::system::error_code why, const std::string& what);

  void add(const std::shared_ptr<BusSubscription::Entry>& entry);
  /// Those that live. A copy: callbacks may add and end some.
  std::vector<std::shared_ptr<BusSubscription::Entry>> entries();
  void install(BusSubscription::Entry& entry);
  void follow(Service& service);
  void set_owner(Service& service, std::string owner);
  void tell_service(const std::string& name, bool here);

  Executor executor;
  BusOptions options;
  BusTimer pause;
  std::unique_ptr<BusLink> link;
  bool ready = false;
  std::string trouble;
  std::list<Pending*> pending;
  std::vector<std::weak_ptr<BusSubscription::Entry>> subscribed;
  std::map<std::string, Service> services;
};

}  // namespace rouse::suspendd
