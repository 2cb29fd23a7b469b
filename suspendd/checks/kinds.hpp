#pragma once

#include "suspendd/checks/checks.hpp"

#include <memory>

namespace rouse::suspendd {

// One maker per kind of check, defined in the file of that check. A kind with a line here is built
// in; the others fall to the template.

using CheckPtr = std::unique_ptr<Check>;

CheckPtr make_kind(const CommandCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const CpuCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const DiskCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const FileMtimeCheck& settings, const CheckConfig& config,
                   CheckContext& context);
CheckPtr make_kind(const HttpJsonCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const LlamaSwapCheck& settings, const CheckConfig& config,
                   CheckContext& context);
CheckPtr make_kind(const MountCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const NetCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const PortCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const ProcessCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const PrometheusCheck& settings, const CheckConfig& config,
                   CheckContext& context);
CheckPtr make_kind(const ProxyCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const InhibitorsCheck& settings, const CheckConfig& config,
                   CheckContext& context);
CheckPtr make_kind(const SessionsCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const UnitCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const UpcomingCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const SshCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const TtyCheck& settings, const CheckConfig& config, CheckContext& context);
CheckPtr make_kind(const WindowCheck& settings, const CheckConfig& config, CheckContext& context);

template <class Settings>
CheckPtr make_kind(const Settings&, const CheckConfig&, CheckContext&) {
  return nullptr;
}

}  // namespace rouse::suspendd
