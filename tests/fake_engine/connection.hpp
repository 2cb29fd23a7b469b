#pragma once

#include "tests/fake_engine/model.hpp"

namespace fake_engine {

/// Serves one connection on its own thread until it ends. Closes @p fd.
void serve(int fd, World& world);

/// What SIGTERM does, as llama-server: an idle engine leaves; a busy one stops generating and waits
/// for its clients to go, or for a second signal.
void stop_on_signals(World& world);

}  // namespace fake_engine
