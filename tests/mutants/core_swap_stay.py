"""Faults in how long who waits lets those be who have the room."""

TESTS = [("core_tests", "MatrixTie*:Gaps*:SchedulerStay*:SchedulerTurn*:Loads/SwapTraces.*2000ms")]

PATIENCE = "core/swap/scheduler_patience.cpp"
FOLLOWERS = "core/swap/followers.cpp"
GAPS = "core/swap/gaps.cpp"
MATRIX = "core/swap/matrix.cpp"

MUTANTS = [
    ("ignores min_residency", PATIENCE, "std::min(stay, policy.min_residency)", "stay"),
    ("ignores linger", PATIENCE,
     "after(engine.last_used, std::min(stay, policy.linger))", "after(engine.last_used, stay)"),
    ("keeps nothing for anybody", PATIENCE, "stay_of(engine).length;", "Duration{0};"),
    ("waits for a loop beyond the bound", PATIENCE, "if (candidate.overdue) return now;\n  const Duration stay",
     "const Duration stay"),
    ("no turn ends", PATIENCE, "if (policy.swap_budget <= 0) return bound;", "if (MUTANT || policy.swap_budget <= 0) return bound;"),
    ("a load is a turn", PATIENCE, "if (other.state != EngineState::Ready) return bound;", ""),
    ("a turn is longer than the bound", PATIENCE, "return std::min(turns.value_or(bound), bound);", "return turns.value_or(bound);"),
    ("a turn is for the swap to it alone", PATIENCE, "static_cast<double>((there + back).count())", "static_cast<double>(there.count())"),
    ("a turn is as long for one request", PATIENCE, "(is_brief ? 2 : 1)", "1"),
    ("who waits for another may follow", FOLLOWERS, "if (!clients.may_ask(each.caller, now)) {", "if (!MUTANT && !clients.may_ask(each.caller, now)) {"),
    ("nobody is several", FOLLOWERS, "presence.several_at = now;", ""),
    ("who was several is that for ever", FOLLOWERS, "now < after(several, kSeveralFor)", "true"),
    ("whoever asks twice is several", FOLLOWERS, "now - presence.together_since > kTogether", "true"),
    ("who has another in flight is away", FOLLOWERS, "it->second.waiting == 0 || it->second.in_flight() > 1", "it->second.waiting == 0"),
    ("a connection says nothing", FOLLOWERS, "if (caller.connection != 0 && waiting_connections_.contains(caller.connection)) return false;", ""),
    ("who is not known is one", FOLLOWERS, "if (caller.client == 0) return true;", ""),
    ("the others are never waited for", FOLLOWERS, "if (beyond > kGone) coming", "if (!MUTANT && beyond > kGone) coming"),
    ("who has gone is waited for", FOLLOWERS, "const Duration gone = std::max(idle_since - each.ended, Duration{0});", "const Duration gone{0};"),
    ("strangers never come", FOLLOWERS, "strangers_.add(now - *idle_since);", "strangers_.add_never();"),
    ("what was loaded for nobody leaves at once", FOLLOWERS, "if (!was_used) coming.push_back({&usual_});", ""),
    ("a reload costs nothing", FOLLOWERS, "waited + nobody * static_cast<double>(cost.count())", "waited"),
    ("waiting costs nothing", FOLLOWERS, "waited += nobody * static_cast<double>((until - before).count());", ""),
    ("the smallest gain is worth it", FOLLOWERS, "(1 - kWorthIt)", "1"),
    ("the time to stop costs nothing", "core/swap/scheduler_events.cpp", "engine.stop_time = lived;", ""),
    ("what loads long leaves as soon", MATRIX, "std::clamp<Duration::rep>(worth.reload.count() / 100, 0, kMost)", "0"),
    ("what was used lately leaves as soon", MATRIX, "std::distance(uses.begin(), uses.find(worth.last_used))", "0"),
    ("a load outweighs the rule", MATRIX, "cost_of(model) * unit + ", "cost_of(model) + "),
    ("costs are told in other units", MATRIX, "(total - (best.value - target_weight)) / unit", "(total - (best.value - target_weight))"),
    ("costs without an end overflow", MATRIX, "const std::int64_t unit = fits ?", "const std::int64_t unit = MUTANT || fits ?"),
    ("the scheduler tells the rule nothing", "core/swap/scheduler_swap.cpp", "residency->make_room(target, present, worths);", "residency->make_room(target, present, Worths{});"),
    ("nothing is forgotten", GAPS, "for (float& weight : weights_) weight *= kKept;", ""),
    ("somebody new is known as well as all others", GAPS, "for (float& weight : made.weights_) weight *= scale;", "static_cast<void>(scale);"),
    ("what is broken is taken back", GAPS, "return weight >= 0 && weight <= 1e6F;", "return weight <= 1e6F;"),
]
