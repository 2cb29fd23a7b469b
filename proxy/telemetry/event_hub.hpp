#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <string_view>

namespace rouse {

/// Passes events on to everybody who listens. A listener that is too slow loses events, and is told
/// nothing: what it shows is refreshed by the next one. Single thread; outlives its listeners.
class EventHub {
 public:
  static constexpr std::size_t kWaitingMax = 1024;
  /// Whether a listener may know of a model; null: of all.
  using Sees = std::function<bool(const std::string& model)>;

  /// Taken out of the hub when destroyed.
  class Listener {
   public:
    /// @p bell is rung for each event.
    Listener(EventHub& hub, std::function<void()> bell, Sees sees = nullptr);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// All that came since the last call, as it goes over the wire.
    [[nodiscard]] std::string take();
    [[nodiscard]] bool has_events() const { return !waiting_.empty(); }
    void add(std::string event);

   private:
    friend class EventHub;
    EventHub& hub_;
    std::function<void()> bell_;
    Sees sees_;
    std::deque<std::string> waiting_;
  };

  [[nodiscard]] bool has_listeners() const { return !listeners_.empty(); }
  [[nodiscard]] std::size_t listeners() const { return listeners_.size(); }
  /// @p type and @p data, JSON text, as llama-swap frames them (docs/llama-swap.md, Events).
  void publish(std::string_view type, std::string_view data);
  /// Only to those who may know of @p model.
  void publish_of(const std::string& model, std::string_view type, std::string_view data);
  /// What @p data makes for each.
  void publish_each(std::string_view type, const std::function<std::string(const Sees&)>& data);
  /// An event as it goes over the wire.
  void publish_frame(const std::string& event);

  [[nodiscard]] static std::string frame(std::string_view type, std::string_view data);

 private:
  std::list<Listener*> listeners_;
};

}  // namespace rouse
