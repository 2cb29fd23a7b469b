"""Faults in the daemon's rooms that talk: with the message bus, with GPUs, with the kernel, and about itself."""

SECONDS = 60
TESTS = [("suspendd_tests", "Report.*:JsonMembers.*:BusErrcTest.*:NvidiaSmi.*:GpuReadingJson.*:DrmReaderTest.*:JudgeGpus.*:"
                            "MountCheckTest.*:TtyCheckTest.*:UnitTest.*:PrometheusCheckTest.*:LlamaSwapCheckTest.*:HttpJsonCheckTest.*:SocketDiag.*"),
         ("suspendd_tests", "BusTest.*:BusWithoutABus.*:Logind*:SleepLockTest.*"),
         ("suspendd_tests", "GpuProbeTest.*:GpuCheckTest.*:GpuStuckTest.*")]

BUS = "suspendd/bus/bus.cpp"
ERROR = "suspendd/bus/bus_error.cpp"
LINK = "suspendd/bus/bus_link.cpp"
MESSAGE = "suspendd/bus/bus_message.cpp"
STATE = "suspendd/bus/bus_state.cpp"
CLIENTS = "suspendd/gpu/drm_clients.cpp"
DRM = "suspendd/gpu/drm_reader.cpp"
PROBE = "suspendd/gpu/gpu_probe.cpp"
HARDWARE = "suspendd/gpu/hardware.cpp"
HEALTH = "suspendd/gpu/health.cpp"
MACHINE = "suspendd/gpu/machine_reader.cpp"
SMI = "suspendd/gpu/nvidia_smi.cpp"
NVML = "suspendd/gpu/nvml_reader.cpp"
HELPER = "suspendd/gpu/probe_helper.cpp"
LINEAGE = "suspendd/gpu/process_info.cpp"
READING = "suspendd/gpu/reading.cpp"
JSON = "suspendd/report/json.cpp"
METRICS = "suspendd/report/metrics.cpp"
PAGE = "suspendd/report/text.cpp"
MEMBERS = "suspendd/text/json_members.cpp"
JUDGE = "suspendd/checks/gpu.cpp"
SOCKETS = "suspendd/checks/socket_diag.cpp"
GET = "suspendd/checks/http_get.cpp"
MOUNT = "suspendd/checks/mount_check.cpp"
UNIT = "suspendd/checks/unit_check.cpp"
TTY = "suspendd/checks/tty_check.cpp"

MUTANTS = [
    # --- the bus: calls
    ("an address that is set is passed over", BUS, "if (!address.empty()) return address;", ""),
    ("the environment's bus is passed over", BUS, "set != nullptr && *set != '\\0'", "false"),
    ("a zero byte cuts an argument short", BUS, "if (value.find('\\0') != std::string::npos) return -EINVAL;", ""),
    ("an error is an answer", BUS, "if (sd_bus_message_is_method_error(message.get(), nullptr) <= 0) return message;", "return message;"),
    ("an error keeps the service's words to itself", BUS,
     "if (error->message != nullptr && *error->message != '\\0') doing += \": \" + for_log(error->message);", ""),
    ("a service that has gone is here", BUS, "it != state_->services.end() && !it->second.owner.empty()", "it != state_->services.end()"),
    ("pauses do not grow", BUS, "pause = std::min(pause * 2, state.options.retry_longest);", ""),
    ("a call has no deadline", BUS, "std::clamp(call.timeout, std::chrono::milliseconds(0), kLongestWait)", "kLongestWait"),
    ("a cancelled call is a late one", BUS, "if (rung) co_return Error{asio::error::operation_aborted, std::move(doing)};", ""),
    ("a property is a method of the object", BUS, 'get.to.interface = "org.freedesktop.DBus.Properties";', ""),
    # --- the bus: names of errors
    ("a service that cannot start refuses", ERROR, 'error_name.starts_with("Spawn.")', "false"),
    ("two errors share their words", ERROR, '"there is no such session"', '"there is no such unit"'),
    # --- the bus: its connection
    ("an errno keeps its sign", LINK, "return {-negative_errno, boost::system::system_category()};",
     "return {negative_errno, boost::system::system_category()};"),
    ("we do not greet the bus", LINK, "if (r >= 0) r = sd_bus_set_bus_client(link->bus_, 1);", ""),
    ("descriptors are not wanted", LINK, "if (r >= 0) r = sd_bus_negotiate_fds(link->bus_, 1);", "",
     "libsystemd does so unasked"),
    ("a flood of messages is one turn", LINK, "i < kMessagesPerTurn", "true"),
    # --- the bus: messages
    ("no more values are a value", MESSAGE, "good_ = good_ && result > 0;", "good_ = good_ && result >= 0;"),
    ("false is true", MESSAGE, "value != 0;", "(MUTANT ? value == 0 : value != 0);"),
    ("a lock's descriptor goes to children", MESSAGE, "::fcntl(borrowed, F_DUPFD_CLOEXEC, 3)", "::fcntl(borrowed, F_DUPFD, 3)"),
    ("a list has one element", MESSAGE, "if (good_) good_ = sd_bus_message_exit_container(message_) >= 0;", ""),
    ("what is skipped is read", MESSAGE, "if (good_) good_ = sd_bus_message_skip(message_, types) >= 0;", ""),
    ("an answer of another type is refused by the service", MESSAGE, "return bus_error(BusErrc::BadReply, std::move(doing));",
     "return bus_error(BusErrc::Other, std::move(doing));"),
    # --- the bus: subscriptions
    ("strangers are heard", STATE, "service == services.end() || service->second.owner != signal.sender()", "service == services.end()"),
    ("that a name has no owner is its owner", STATE, "if (sd_bus_message_is_method_error(message, nullptr) > 0) return 0;", ""),
    ("a match is for every object", STATE, 'rule_part("path", entry.from.path)', "std::string()"),
    ("a match is for every signal", STATE, 'rule_part("member", entry.member)', "std::string()"),
    ("a lost connection is no trouble", STATE, 'trouble = why ? what + ": " + why.message() : what;', "trouble.clear();"),
    ("trouble stays", STATE, "trouble.clear();", ""),
    ("services outlive their bus", STATE, "for (auto& [name, service] : services) set_owner(service, {});", ""),
    ("who subscribes later is deaf", STATE, "if (link) install(*entry);", ""),
    ("matches are not carried over", STATE, "for (const auto& entry : entries()) install(*entry);", ""),
    ("services are told of twice", STATE, "if (owner == service.owner) return;", "",
     "the same owner is named twice only where it comes between our match and our question"),
    ("nobody is told that a service goes", STATE, "if (was_here) tell_service(service.name, false);", ""),
    ("every service's news go to everybody", STATE, "entry->from.service == name", "true"),

    # --- GPUs: clients of the kernel's drivers
    ("KiB are bytes", CLIENTS, 'if (text.ends_with("KiB")) bytes *= 1024;', ""),
    ("MiB are KiB", CLIENTS, "bytes *= 1024 * 1024;", "bytes *= 1024;"),
    ("a counter that begins anew wraps", CLIENTS, "old->second > now ?", "(!MUTANT && old->second > now) ?"),
    ("a new client worked since the driver's start", CLIENTS, "if (before == nullptr) continue;", "if (before == nullptr) return 100;"),
    ("engines of one kind are one", CLIENTS, "work /= static_cast<double>(many->second);", ""),
    ("the last engine counts", CLIENTS, "std::max(most, work / time * 100)", "work / time * 100"),
    ("more than all the time is in use", CLIENTS, "std::min(most, 100.0)", "most"),
    ("a file in two processes counts twice", CLIENTS, '!told.insert(client.gpu + " " + client.client_id).second', "false"),
    ("two GPUs' clients are one", CLIENTS, 'client.gpu + " " + client.client_id', "client.client_id"),
    # --- GPUs: sysfs
    ("a memory clock that is down is up", DRM, 'text->compare(from, 2, "0:") != 0', 'text->compare(from, 2, "0:") == 0'),
    ("power is in milliwatts", DRM, "static_cast<double>(*microwatts) / 1e6", "static_cast<double>(*microwatts) / 1e3"),
    ("a watt more is work", DRM, "std::max(idle * 1.25, idle + 10)", "idle"),
    ("the last power is the lowest", DRM, "lowest->second = std::min(lowest->second, *out.watts);", "lowest->second = *out.watts;"),
    ("the first power is compared with itself", DRM, "if (is_new) return verdict;", ""),
    ("other GPUs' clients are on this one", DRM, "if (client.gpu != out.id) continue;", ""),
    ("processes have no memory there", DRM, "process.memory += client.memory;", ""),
    ("work through ROCm is no work", DRM, "known->busy_percent.reset();", ""),
    ("idle time is use", DRM, "static_cast<int>(100 - share)", "static_cast<int>(share)"),
    ("use that is not told is none", DRM, "all_known = all_known && process.busy_percent.has_value();", ""),
    ("another driver's GPU is idle", DRM, 'out.error = "its driver " + gpu.driver + " does not tell its use";', "out.processes.emplace();"),
    # --- GPUs: nvidia-smi and NVML
    ("nvidia-smi's memory is in bytes", SMI, "*total * kMiB", "*total"),
    ("a pstate keeps its letter", SMI, "fields[6].substr(1)", "fields[6]"),
    ("a process is on every GPU", SMI, "reading.devices[i].id != pci_id(fields[0])", "false"),
    ("NVML's domain has eight digits", NVML, "colon == 8 && id.starts_with(\"0000\")", "false"),
    ("NVML's addresses are in capitals", NVML, "static_cast<char>(std::tolower(static_cast<unsigned char>(c)))", "c"),
    ("a watt has a hundred milliwatts", NVML, "milliwatts / 1000.0", "milliwatts / 100.0"),
    ("a burst is seen at each look", NVML, "seen.samples = std::max(seen.samples, sample.time_stamp);", ""),
    ("a process's burst is seen at each look", NVML, "seen.process_samples = std::max(seen.process_samples, sample.time_stamp);", ""),
    ("a GPU that sleeps is opened", NVML, "one_sleeps && nvml_->by_bus_id != nullptr", "false"),
    ("NVML stays open after a failure", NVML, "if (has_failed_) close();", ""),
    ("a GPU that left the bus is not missed", NVML, "count >= gpus.size()", "true"),
    ("sources have a plus before them", MACHINE, '(reading.source.empty() ? "" : "+")', '"+"'),
    ("a GPU that may power down is kept open", MACHINE, "if (may_power_down) nvml_.close();", ""),
    # --- GPUs: the machine, and the processes on them
    ("a GPU's sound is a GPU", HARDWARE, "if (!kind || *kind >> 16 != kDisplay) continue;", ""),
    ("a GPU on its way to sleep is awake", HARDWARE, '*status == "suspended" || *status == "suspending"', '*status == "suspended"'),
    ("a name may not hold a bracket", LINEAGE, "stat->rfind(')')", "stat->find(')')"),
    ("a group is no family", LINEAGE, "if (generation == 0) add(parents.group);", ""),
    # --- GPUs: the helper and its answers
    ("a reading loses a GPU's memory", READING, 'optional_member(out, "memory_total", device.memory_total);', ""),
    ("a process loses its memory", READING, 'process.memory = size_of(object, "memory").value_or(0);', ""),
    ("who may be on it is nobody", READING, "device.processes.emplace();", ""),
    ("a GPU loses its error", READING, 'device.error = text_of(object, "error");', ""),
    ("a GPU that sleeps fails the test", HEALTH, "if (device.is_suspended) continue;", ""),
    ("a GPU that does not answer passes the test", HEALTH, 'if (!answers) return {false, device.id + ": " + device.error};', ""),
    ("sleepers are not told of", HEALTH, 'if (asleep > 0) text += ", " + std::to_string(asleep) + " powered down and not asked";', ""),
    ("CUDA that fails starts", HEALTH, "if (!failure.empty()) return {false, failure};", ""),
    ("the self-test's helper stays", PROBE, "if (!is_over) co_await tester_.end(settings_.deadline);", ""),
    ("a failed self-test is well", PROBE, "if (is_ok) return std::string(text);", "return std::string(text);"),
    ("a cold start has the deadline of a look", HELPER, "is_silent && !has_answered_ && waited < warm_up", "false"),
    ("a helper that hangs is waited for", HELPER, "is_silent && !has_answered_ && waited < warm_up", "is_silent"),

    # --- the report as JSON
    ("a sleep has no time", JSON, 'json.member("at", to_rfc3339(record->at));', ""),
    ("a sleep's length is in seconds", JSON, "record->slept.count()", "record->slept.count() / 1000"),
    ("a sleep of others is ours", JSON, "record->ours", "record->ok"),
    ("what woke it is not said", JSON, 'json.member("source", record->source);', ""),
    ("spans are in seconds", JSON, "static_cast<std::int64_t>(span->count())", "static_cast<std::int64_t>(span->count() / 1000)"),
    ("a check's verdict is as old as its look", JSON, "check.since.count()", "check.looked.value_or(check.since).count()"),
    ("a hold's token is its reason", JSON, 'json.member("token", hold.token);', 'json.member("token", hold.why);'),
    ("all that a card supports is armed", JSON, "wol_letters(nic.modes.armed)", "wol_letters(nic.modes.supported)"),
    ("a card has no broadcast", JSON, 'json.member("broadcast", nic.broadcast);', ""),
    ("a lock's process is its user", JSON, "static_cast<std::uint64_t>(lock.pid)", "static_cast<std::uint64_t>(lock.uid)"),
    ("a block has no cause", JSON, 'json.member("cause", to_string(view.block->cause));', ""),
    ("sleep costs nothing", JSON, "report.config->power.idle_watts - report.config->power.sleep_watts", "report.config->power.idle_watts"),
    ("a second has a millisecond", JSON, "static_cast<double>(report.view.totals.asleep.count()) / 1e3",
     "static_cast<double>(report.view.totals.asleep.count())"),
    ("sleep that costs more saves less than nothing", JSON, "report.config->power.idle_watts > 0 && watts > 0", "report.config->power.idle_watts > 0"),
    ("all the time in a state is idle", JSON, "view.idle_for.count()", "view.in_state.count()"),
    ("the last wake is the last sleep", JSON, 'write_record(json, "last_wake", view.last_wake);', 'write_record(json, "last_wake", view.last_suspend);'),
    ("no packet has woken it", JSON, "view.wake_proof ? json.value(to_rfc3339(*view.wake_proof)) : json.null();", "json.null();"),
    ("no trouble is one", JSON, "if (!trouble->empty()) json.value(*trouble);", "json.value(*trouble);"),
    ("the lock's trouble is the bus's", JSON, "&report.lock_trouble", "&report.bus_trouble"),
    # --- the report as metrics
    ("counters are gauges", METRICS, "all_.back().type == prometheus::MetricType::Gauge", "true"),
    ("seconds are milliseconds", METRICS, "static_cast<double>(span.count()) / 1e3", "static_cast<double>(span.count())"),
    ("it is in every state", METRICS, "view.state == state ? 1 : 0", "1"),
    ("the next sleep is soon after 1970", METRICS, "now + seconds(*view.sleep_in)", "seconds(*view.sleep_in)"),
    ("a dry run is none", METRICS, "view.dry_run ? 1 : 0", "0"),
    ("a proxy that is none is reached", METRICS, "if (report.config->proxy.socket.empty()) return;", ""),
    ("the proxy is always reached", METRICS, "report.proxy_error.empty() ? 1 : 0", "1"),
    ("what cannot tell is idle", METRICS, "check.verdict == policy::Verdict::Idle ? 0 : 1", "check.verdict == policy::Verdict::Active ? 1 : 0"),
    ("every look fails", METRICS, "static_cast<double>(post.unknowns)", "static_cast<double>(post.looks)"),
    ("a delay is a lock", METRICS, 'lock.mode != "delay"', "true"),
    ("a lock on shutdown is one on sleep", METRICS, '(lock.has("sleep") || lock.has("idle"))', "true"),
    ("every card is armed", METRICS, "nic.is_armed() ? 1 : 0", "1"),
    ("failures are attempts", METRICS, 'out.add_map(totals.failures, "step");', 'out.add_map(totals.suspends, "step");'),
    ("every wake is spurious", METRICS, 'out.add_map(totals.spurious, "source");', 'out.add_map(totals.resumes, "source");'),
    ("drains that are cancelled are GPUs that fail", METRICS, "static_cast<double>(totals.drains_cancelled)", "static_cast<double>(totals.gpu_probe_failures)"),
    ("the process's own metrics are lost", METRICS, "families.text() + process_metrics()", "families.text()"),
    # --- the report as a page
    ("a countdown has no time", PAGE, 'fmt::format("idle, sleeps in {}", span_text(*view.sleep_in))', '"idle"'),
    ("an attempt has no step", PAGE, 'fmt::format("about to sleep (step: {})", view.step)', 'std::string("about to sleep")'),
    ("checks stand there three times", PAGE, "if (check.verdict != verdict) continue;", ""),
    ("checks that cannot tell are not there", PAGE, "policy::Verdict::Unknown", "policy::Verdict::Idle"),
    ("a check that has not looked has", PAGE, 'check.looked ? "for " + span_text(check.since) : std::string("not looked yet")', '"for " + span_text(check.since)'),
    ("a heading stands above no holds", PAGE, "if (view.holds.empty()) return {};", ""),
    ("locks that are not known are none", PAGE, "!report.inhibitors_error.empty()", "false"),
    ("locks on idle are not there", PAGE, '!lock.has("sleep") && !lock.has("idle")', '!lock.has("sleep")'),
    ("a machine without cards has some", PAGE, 'if (rows.empty()) return out + "  no wired network card was found\\n";', ""),
    ("a packet that woke it has not", PAGE, "if (report.view.wake_proof) {", "if (!MUTANT && report.view.wake_proof) {"),
    ("a sleep that failed was one", PAGE, "if (record.ok) {", "if (MUTANT || record.ok) {"),
    ("others' sleeps are ours", PAGE, 'if (!record.ours) text += " (asked for by somebody else)";', 'if (record.ours) text += " (asked for by somebody else)";'),
    ("the wake of a sleep stands there twice", PAGE, "(!view.last_suspend || !view.last_suspend->ok)", "true"),
    ("one failure is none", PAGE, "view.failures > 0", "view.failures > 1"),
    ("nobody knows when it tries again", PAGE, 'if (view.retry_in) rows.push_back({"tries again in", span_text(*view.retry_in)});', ""),
    ("a kWh is a kJ", PAGE, "joules / 3.6e6", "joules / 1e3"),
    ("a proxy that is none is trouble", PAGE, "!report.proxy_error.empty() && !report.config->proxy.socket.empty()", "!report.proxy_error.empty()"),
    ("a lock that is not held is no trouble", PAGE, 'if (!report.lock_trouble.empty()) rows.push_back({"sleep lock", report.lock_trouble});', ""),
    ("the line does not tell of a dry run", PAGE, 'view.dry_run ? " (dry run)" : ""', '""'),
    ("a tree is this machine", PAGE, 'if (!report.log_only.empty()) out += "  (looks at the tree " + report.log_only + ")\\n";', ""),

    # --- members of JSON
    ("a text is lost", MEMBERS, "object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string()", "std::string()"),
    ("a text ends at a zero byte", MEMBERS, "std::string(text)", "std::string(text.data())"),
    ("a text that is not there is its key", MEMBERS, "object[key].get(text) == simdjson::SUCCESS", "object[key].get(text) == simdjson::SUCCESS || (text = key, MUTANT)"),
    ("a number is lost", MEMBERS, "object[key].get(number) == simdjson::SUCCESS ? number : 0", "0"),
    ("a number has 32 bits", MEMBERS, "? number", "? (MUTANT ? static_cast<std::int32_t>(number) : number)"),
    ("a truth that is not there is none", MEMBERS, "object[key].get(truth) == simdjson::SUCCESS ? truth : otherwise", "object[key].get(truth) == simdjson::SUCCESS && truth"),
    ("a truth is as it is otherwise", MEMBERS, "? truth : otherwise", "? (MUTANT ? otherwise : truth) : otherwise"),

    # --- checks: GPUs
    ("a family is a stranger", JUDGE, "holds(owned, process.pid) || std::any_of", "holds(owned, process.pid) || !MUTANT && std::any_of"),
    ("strangers at the threshold are below it", JUDGE, "*process->busy_percent >= settings_.util_percent", "*process->busy_percent > settings_.util_percent"),
    ("a GPU at the threshold is below it", JUDGE, "device.busy_percent.value_or(0) >= settings_.util_percent", "device.busy_percent.value_or(0) > settings_.util_percent"),
    ("ours are always excused", JUDGE, "settings_.foreign_only && is_ours(process, owned_)", "is_ours(process, owned_)"),
    ("those that are ignored count", JUDGE, "if (!is_ignored && !is_excused) foreign.push_back(&process);", "if (!is_excused) foreign.push_back(&process);"),
    ("a GPU that tells nothing is idle", JUDGE, "if (!device.busy_percent) return unknown(error_text(device));", ""),
    ("use that nobody explains is none", JUDGE, "is_busy(device) && !explained", "false"),
    ("use that ours explain is a stranger's", JUDGE, "is_busy(device) && !explained", "is_busy(device)"),
    ("the first GPU decides", JUDGE, "weight(finding.verdict) > weight(worst.verdict)", "false"),
    ("an error is forgotten over a GPU", JUDGE, "bool is_first = reading.error.empty();", "bool is_first = MUTANT || reading.error.empty();"),
    # --- checks: sockets
    ("an IPv4 client of an IPv6 socket is of IPv6", SOCKETS, "words[2] == htonl(0xffff)", "false"),
    ("a port is the wrong way round", SOCKETS, "ntohs(message.id.idiag_sport)", "message.id.idiag_sport"),
    ("an attribute is as long as it says", SOCKETS, "head.rta_len < sizeof head || head.rta_len > left", "head.rta_len < sizeof head"),
    ("a message is as long as it says", SOCKETS, "head.nlmsg_len < sizeof head || head.nlmsg_len > size", "head.nlmsg_len < sizeof head"),
    ("the kernel never refuses", SOCKETS, "if (code < 0) {", "if (!MUTANT && code < 0) {"),
    ("listeners are connections", SOCKETS, "is_listening ? kListen : kEstablished", "kEstablished"),
    ("sockets of IPv6 are not looked for", SOCKETS, "dump(fd.get(), AF_INET6, state, found)", "dump(fd.get(), AF_INET, state, found)"),
    # --- checks: questions over HTTP
    ("a bearer is not shown", GET, 'if (!question.bearer.empty()) head.fields.add("authorization", "Bearer " + question.bearer);', ""),
    ("every status is an answer", GET, "if (answer->status != 200) {", "if (!MUTANT && answer->status != 200) {"),
    ("a question is to the root", GET, "question.endpoint.base_path + question.path;", '(MUTANT ? std::string("/") : question.endpoint.base_path + question.path);'),
    # --- checks: mounts and units
    ("a slash at the end is another mount", MOUNT, "while (point.size() > 1 && point.back() == '/') point.pop_back();", ""),
    ("what waits to be mounted is", MOUNT, 'each.point == point && each.type != "autofs"', "each.point == point"),
    ("a machine without mounts is idle", MOUNT, 'if (mounts.empty()) return unknown("/proc/self/mountinfo names no mount");', ""),
    ("a unit that failed runs", UNIT, 'state->active == "inactive" || state->active == "failed"', 'state->active == "inactive"'),
    ("a unit that is not told is idle", UNIT, "if (!unclear.empty()) co_return unknown(std::move(unclear));", ""),
    ("a unit that is not there is inactive", UNIT, 'state->load == "loaded"', "true"),
    # --- checks: terminals
    ("the console in front is one more", TTY, 'if (name == "tty0") return false;', ""),
    ("a hypervisor's console is no terminal", TTY, 'if (name.starts_with("hvc")) return true;', ""),
    ("everybody's own terminal is one", TTY, 'name.size() > 3 && name != "ttyprintk"', 'name != "ttyprintk"'),
    ("what the kernel prints to is a terminal", TTY, 'name.size() > 3 && name != "ttyprintk"', "name.size() > 3"),
    ("the maker of terminals is one", TTY, 'if (is_digits(name)) add("pts/" + name);', 'add("pts/" + name);'),
    ("input at the threshold is activity", TTY, "youngest.age < settings_.idle", "youngest.age <= settings_.idle"),
    ("how long no terminal got input is not told", TTY, "finding.idle_for = youngest.age;", ""),
    ("a machine without /dev has no terminal", TTY, 'context_.root.exists("/dev")', "true"),
    ("consoles that come later are not seen", TTY, "changed == dev_changed_", "dev_changed_ != -1"),
]
