#include "proxy/admission/dispatcher.hpp"

#include "base/async/use_task.hpp"
#include "base/check.hpp"
#include "core/swap/describe.hpp"
#include "core/time.hpp"
#include "proxy/admission/policies.hpp"
#include "proxy/check/findings.hpp"
#include "proxy/engine/launch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <variant>

namespace rouse {

namespace {

/// A start takes longer; a disk that has to spin up first may, too, and is not waited for.
constexpr std::chrono::milliseconds kFilesPatience{1'000};

}  // namespace

// --- Dispatcher ----------------------------------------------------------------------------------

Dispatcher::Dispatcher(std::shared_ptr<const Config> config, TaskGroup& tasks, HttpPool& pool,
                       EngineRegistry& registry)
    : config_(std::move(config)),
      tasks_(tasks),
      pool_(pool),
      registry_(registry),
      scheduler_(policies_of(*config_), config_->schedule, config_->residency),
      start_look_(tasks, kFilesPatience),
      prefetcher_(tasks),
      timer_(tasks.executor()),
      watchers_(tasks.executor(), SteadyTimer::time_point::max()) {
  for (const auto& [id, model] : config_->models) engines_[id];
}

Dispatcher::~Dispatcher() {
  ROUSE_CHECK(tickets_.empty());
}

core::Instant Dispatcher::now() const {
  return core::to_instant(std::chrono::steady_clock::now());
}

std::unique_ptr<AdmissionTicket> Dispatcher::enter(const ModelConfig& model, int priority,
                                                   std::string request_id,
                                                   const core::Caller& caller) {
  const auto id = static_cast<core::Ticket>(next_ticket_++);
  auto ticket = std::make_unique<AdmissionTicket>(*this, tasks_.executor(), id, model.id,
                                                  std::move(request_id));
  tickets_.emplace_hint(tickets_.end(), id, Waiter{ticket.get(), now(), true});
  if (std::string obstacle = obstacle_to(model.id); !obstacle.empty()) {
    ticket->refuse(cannot_start(std::move(obstacle)));
  } else {
    post(core::Arrived{id, model.id, priority, caller});
  }
  return ticket;
}

int Dispatcher::priority(std::string_view name, const ModelConfig& model) const {
  if (const auto it = config_->priority.find(name); it != config_->priority.end()) {
    return it->second;
  }
  const auto it = config_->priority.find(model.id);
  return it == config_->priority.end() ? 0 : it->second;
}

std::unique_ptr<AdmissionTicket> Dispatcher::enter_if_ready(const ModelConfig& model,
                                                            std::string request_id) {
  const auto it = engines_.find(model.id);
  if (it == engines_.end() || it->second.state != core::EngineState::Ready) return nullptr;
  const auto id = static_cast<core::Ticket>(next_ticket_++);
  auto ticket = std::make_unique<AdmissionTicket>(*this, tasks_.executor(), id, model.id,
                                                  std::move(request_id));
  ticket->admit(it->second.engine->launch().endpoint, core::Duration{0});
  tickets_.emplace_hint(tickets_.end(), id, Waiter{ticket.get(), now(), false});
  return ticket;
}

void Dispatcher::left(AdmissionTicket& ticket) {
  const auto it = tickets_.find(ticket.id());
  const bool scheduled = it->second.scheduled;
  tickets_.erase(it);
  if (scheduled && ticket.state() != AdmissionTicket::State::Refused) post(core::Left{ticket.id()});
}

std::vector<std::string> Dispatcher::adopt(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  prefetched_.clear();  // their files may be others now
  core::Reconfigured event{policies_of(*config_), config_->schedule, config_->residency, {}};
  std::vector<std::string> replaced;
  for (const auto& [id, model] : config_->models) {
    EngineSlot& slot = engines_[id];
    if (slot.moved) slot.moved = with_port(*config_, id, slot.engine->launch().endpoint.port);
    if (!slot.engine || slot.engine->launch() == launch_of(as_started(model))) continue;
    event.relaunch.insert(id);
    if (slot.is_running()) replaced.push_back(id);
  }
  for (const auto& [id, slot] : engines_) {
    if (slot.is_running() && !config_->models.contains(id)) replaced.push_back(id);
  }
  post(std::move(event));
  forget_removed();
  return replaced;
}

/// A removed model's log is kept as long as its engine runs.
void Dispatcher::forget_removed() {
  std::erase_if(engines_, [this](const auto& each) {
    return !each.second.is_running() && !config_->models.contains(each.first);
  });
}

std::string Dispatcher::load(const std::string& model, std::string why) {
  std::string obstacle = obstacle_to(model);
  if (obstacle.empty()) post(core::LoadWanted{model, std::move(why)});
  return obstacle;
}

Task<std::string> Dispatcher::missing_file(const ModelConfig& model) {
  const ModelConfig* const started = to_start(model.id);
  if (started == nullptr) co_return std::string();
  std::string obstacle = co_await start_look_.obstacle(*started);
  if (!obstacle.empty()) tell_obstacle(model.id, obstacle);
  co_return obstacle;
}

/// As it is configured now; null: it is there, or on its way, or unknown.
const ModelConfig* Dispatcher::to_start(const std::string& model) const {
  const auto configured = config_->models.find(model);
  const auto slot = engines_.find(model);
  if (configured == config_->models.end() || slot == engines_.end()) return nullptr;
  const core::EngineState state = slot->second.state;
  if (state == core::EngineState::Ready || state == core::EngineState::Starting) return nullptr;
  return &configured->second;
}

/// Looked up anew each time, so that a program that appears is found.
std::string Dispatcher::obstacle_to(const std::string& model) {
  const ModelConfig* const started = to_start(model);
  if (started == nullptr) return {};
  std::string obstacle = program_obstacle(*started, real_files());
  tell_obstacle(model, obstacle);
  return obstacle;
}

/// Once, however many ask; again when it has become another, or has gone and come back.
void Dispatcher::tell_obstacle(const std::string& model, const std::string& obstacle) {
  const auto it = engines_.find(model);
  if (it == engines_.end() || it->second.obstacle == obstacle) return;
  it->second.obstacle = obstacle;
  if (obstacle.empty()) return;
  spdlog::warn("{} cannot be started: {}", model, obstacle);
  decisions_.add(fmt::format("cannot start {}: {}", model, obstacle), model);
}

void Dispatcher::unload(core::UnloadWanted wanted) {
  post(std::move(wanted));
}

Task<void> Dispatcher::unloaded(std::optional<std::string> model) {
  std::map<std::string, std::uint64_t> leaving;  // which run of which model
  for (const auto& [id, slot] : engines_) {
    if (slot.is_running() && (!model || id == *model)) leaving.emplace(id, slot.run);
  }
  // Bounded by the stop ladder: each engine reports gone in the end.
  for (;;) {
    std::erase_if(leaving, [this](const auto& each) {
      const auto it = engines_.find(each.first);
      return it == engines_.end() || !it->second.is_running() || it->second.run != each.second;
    });
    if (leaving.empty()) co_return;
    co_await watchers_.async_wait(use_task);
  }
}

Task<void> Dispatcher::shut_down() {
  shutting_down_ = true;
  post(core::ShutdownWanted{});
  while (!scheduler_.is_quiet()) co_await watchers_.async_wait(use_task);
  timer_.cancel();
}

void Dispatcher::shut_down_now() {
  post(core::ShutdownWanted{true});
}

core::ScheduleView Dispatcher::view() const {
  return scheduler_.view(now());
}

std::size_t Dispatcher::queue_position(const AdmissionTicket& ticket) const {
  return scheduler_.position(ticket.id());
}

std::string Dispatcher::request_id(core::Ticket id) const {
  const auto it = tickets_.find(id);
  return it == tickets_.end() ? std::string() : it->second.ticket->request_id();
}

std::string Dispatcher::last_obstacle(const std::string& model) const {
  const auto it = engines_.find(model);
  return it == engines_.end() ? std::string() : it->second.obstacle;
}

std::string Dispatcher::load_trouble(std::string_view model) const {
  const auto it = engines_.find(model);
  const bool loads = it != engines_.end() && it->second.state == core::EngineState::Starting;
  return loads ? it->second.load_trouble : std::string();
}

std::string Dispatcher::started_for(const std::string& model) const {
  const auto it = engines_.find(model);
  return it == engines_.end() ? std::string() : it->second.started_for;
}

const ModelConfig& Dispatcher::as_started(const ModelConfig& model) const {
  const auto it = engines_.find(model.id);
  return it == engines_.end() || !it->second.moved ? model : *it->second.moved;
}

SwapPhases Dispatcher::last_swap(std::string_view model) const {
  const auto it = engines_.find(model);
  const bool is_up = it != engines_.end() && it->second.state == core::EngineState::Ready;
  return is_up ? it->second.swap.phases() : SwapPhases{};
}

int Dispatcher::engine_pid(const std::string& model) const {
  const auto it = engines_.find(model);
  return it == engines_.end() || !it->second.engine ? 0 : it->second.engine->pid();
}

core::EngineState Dispatcher::engine_state(std::string_view model) const {
  const auto it = engines_.find(model);
  return it == engines_.end() ? core::EngineState::Stopped : it->second.state;
}

LogRing* Dispatcher::engine_log(const std::string& model) {
  const auto it = engines_.find(model);
  return it == engines_.end() ? nullptr : &it->second.log;
}

void Dispatcher::post(core::Event event) {
  events_.push_back(std::move(event));
  if (!draining_events_) drain();
}

// step() is never re-entered: what an action causes at once waits in the queue for its turn.
void Dispatcher::drain() {
  draining_events_ = true;
  while (!events_.empty()) {
    const core::Event event = std::move(events_.front());
    events_.pop_front();
    const std::vector<core::Action> actions = scheduler_.step(event, now());
    for (const core::Action& action : actions) {
      std::visit([this](const auto& a) { perform(a); }, action);
    }
    const bool engine_gone = std::holds_alternative<core::EngineGone>(event);
    if (engine_gone) forget_removed();
    if (engine_gone || shutting_down_) watchers_.cancel();
  }
  draining_events_ = false;
  arm_timer();
  prefetch_next();
}

/// What is loaded next is read from the disk while it waits for its room.
void Dispatcher::prefetch_next() {
  std::vector<core::ModelId> next = scheduler_.next_loads();
  if (next == prefetched_) return;
  prefetched_ = std::move(next);
  std::string models;
  std::vector<std::string> files;
  for (const std::string& model : prefetched_) {
    const auto it = config_->models.find(model);
    if (it == config_->models.end()) continue;
    for (std::string& file : files_to_prefetch(it->second)) files.push_back(std::move(file));
    models += (models.empty() ? "" : ", ") + model;
  }
  prefetcher_.want(models, std::move(files));
}

void Dispatcher::arm_timer() {
  const std::optional<core::Instant> next = scheduler_.next_deadline();
  if (next == timer_at_) return;
  // A ttl moves with every request: a timer that fires too early costs less than one re-armed for
  // each. Firing early is harmless, the handler looks again.
  if (next && timer_at_ && *next > *timer_at_) return;
  timer_at_ = next;
  if (!next) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(std::chrono::steady_clock::time_point(next->time_since_epoch()));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    timer_at_.reset();
    post(core::Tick{});
  });
}

void Dispatcher::decided(std::string text, const std::string& model, const std::string& also) {
  spdlog::info("{}", text);
  decisions_.add(std::move(text), model, also);
}

}  // namespace rouse
