#pragma once

#include "base/http/message.hpp"
#include "core/swap/scheduler.hpp"

#include <string_view>

namespace rouse {

/// Whose request it is, for the scheduler: clients are told apart by the key that they show, their
/// address (and the one that a proxy before us tells), their User-Agent and their session. @p
/// connection: the stream that it came over.
[[nodiscard]] core::Caller who_asks(std::string_view key, std::string_view address,
                                    const Fields& fields, std::string_view session,
                                    const void* connection);

}  // namespace rouse
