#include "base/http/stream_deadlines.hpp"

#include "base/http/deadline_list.hpp"

#include <utility>

namespace rouse {
namespace {

constexpr std::chrono::milliseconds kResolution{500};

}  // namespace

void DeadlineList::add(DeadlineEntry& entry) {
  entry.index_ = entries_.size();
  entries_.push_back(&entry);
}

void DeadlineList::remove(DeadlineEntry& entry) {
  DeadlineEntry* const last = entries_.back();
  entries_[entry.index_] = last;
  last->index_ = entry.index_;
  entries_.pop_back();
  // A loop that is to end must not wait for a tick that has nothing to look at.
  if (!entries_.empty() || !armed_) return;
  armed_ = false;
  timer_.cancel();
}

void DeadlineList::set(DeadlineEntry& entry, DeadlineEntry::Clock::time_point at) {
  entry.at_ = at;
  entry.expired_ = false;
  if (!armed_ && at != DeadlineEntry::Clock::time_point::max()) arm();
}

void DeadlineList::arm() {
  armed_ = true;
  timer_.expires_after(kResolution);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void DeadlineList::tick() {
  armed_ = false;
  const auto now = DeadlineEntry::Clock::now();
  bool waiting = false;
  for (DeadlineEntry* const entry : entries_) {
    if (entry->at_ <= now) {
      entry->at_ = DeadlineEntry::Clock::time_point::max();
      entry->expired_ = true;
      entry->on_expired();
    }
    waiting = waiting || entry->at_ != DeadlineEntry::Clock::time_point::max();
  }
  if (waiting) arm();
}

StreamDeadlines::StreamDeadlines(Executor executor)
    : impl_(std::make_unique<Impl>(std::move(executor))) {}

StreamDeadlines::~StreamDeadlines() = default;

}  // namespace rouse
