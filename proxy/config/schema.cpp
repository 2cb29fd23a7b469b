#include "proxy/config/schema.hpp"

#include "base/config/json_schema.hpp"

#include <array>

namespace rouse {

namespace {

using enum KeyType;

constexpr std::array kTop = {
    ConfigKey{"models", SectionMap, "model", "{}", "the models, by id"},
    ConfigKey{"healthCheckTimeout", Seconds, "", "120",
              "seconds an engine may take to get ready; less than 15 is 15. Extended while it "
              "makes progress",
              true, 0},
    ConfigKey{"logLevel", Text, "", "info", "debug, info, warn or error"},
    ConfigKey{"logTimeFormat", Text, "", "", "rfc3339, kitchen, stamp, stampmilli … (Go's names)"},
    ConfigKey{"logToStdout", Text, "", "proxy", "which logs go to our own output and to /logs",
              true, 0, 0, "proxy|upstream|both|none"},
    ConfigKey{"logRequests", Bool, "", "false", "kept for old files: requests are always logged",
              false},
    ConfigKey{"metricsMaxInMemory", Number, "", "1000", "rows of request history in memory"},
    ConfigKey{"captureBuffer", Number, "", "0", "megabytes of recorded requests; 0: none"},
    ConfigKey{"store", Section, "store", "", "keeps the request history in a file"},
    ConfigKey{"ui", Section, "ui", "", "the web page"},
    ConfigKey{"performance", Section, "performance", "", "samples of the machine's load"},
    ConfigKey{"metrics", Section, "metrics", "", "what GET /metrics has"},
    ConfigKey{"globalTTL", Seconds, "", "0",
              "seconds without a request after which a model is unloaded; 0: never", true, 0},
    ConfigKey{"unloadTimeout", Seconds, "", "10",
              "seconds from the first signal to SIGKILL; 0 is 10", true, 0},
    ConfigKey{"startPort", Number, "", "5800", "the first ${PORT}", true, 1, 65535},
    ConfigKey{"globalConcurrencyLimit", Number, "", "0",
              "requests for models at once, of all together; the next gets 429; 0: no limit", true,
              0},
    ConfigKey{"defaultModel", Text, "", "", "of requests that name none; empty: they are refused"},
    ConfigKey{"sendLoadingState", Bool, "", "false",
              "shows the load as reasoning text in chat streams"},
    ConfigKey{"includeAliasesInList", Bool, "", "false", "lists aliases in /v1/models"},
    ConfigKey{"identity", Text, "", "llama-swap",
              "owned_by in listings: several clients look for llama-swap before they offer loading",
              true, 0, 0, "llama-swap|rouse"},
    ConfigKey{"macros", AnyMap, "", "{}", "names for texts: ${NAME} anywhere in a value"},
    ConfigKey{.name = "apiKeys",
              .type = TextList,
              .otherwise = "[]",
              .text = "keys that may do everything; if there are any keys, requests need one",
              .secret = true,
              .for_mapping = "a key with a name, rights or limits is an entry of keys: "
                             "(rouse key NAME makes one)"},
    ConfigKey{.name = "keys",
              .type = SectionMap,
              .section = "key",
              .otherwise = "{}",
              .text = "keys by name, each with its rights and limits (rouse key NAME makes one)",
              .secret = true},
    ConfigKey{"cors", Section, "cors", "", "which web pages on other origins may use the proxy"},
    ConfigKey{"hosts", TextList, "", "[]",
              "further names by which clients may ask for the proxy, such as *.example.net"},
    ConfigKey{"security", Section, "security", "", "llama-swap's form of cors"},
    ConfigKey{"profiles", SectionMap, "profile", "{}", "sets of names that can be switched"},
    ConfigKey{"selectors", SectionMap, "selector", "{}", "names that choose among models"},
    ConfigKey{"peers", SectionMap, "peer", "{}", "other machines"},
    ConfigKey{"upstream", Section, "upstream", "", "the /upstream route"},
    ConfigKey{"hooks", Section, "hooks", "", "what happens at start"},
    ConfigKey{"routing", Section, "routing", "",
              "what may be resident together, and the order of service"},
    ConfigKey{"groups", SectionMap, "group", "{}", "the same as routing.router.settings.groups"},
    ConfigKey{"matrix", Section, "matrix", "", "the same as routing.router.settings.matrix"},
    ConfigKey{"schedule", Section, "schedule", "", "how waiting requests are served"},
    ConfigKey{"waiting", Section, "waiting", "", "what a client sees while it waits"},
    ConfigKey{"aux", Section, "aux", "",
              "titles, summaries and counts, for which nothing is swapped"},
    ConfigKey{"limits", Section, "limits", "", "bounds of the HTTP side"},
    ConfigKey{"tls", Section, "tls", "", "https for the listener, unless the flags give files"},
    ConfigKey{"power", Section, "power", "", "who may let this machine sleep"},
};

constexpr std::array kKey = {
    ConfigKey{.name = "sha256",
              .type = TextOrList,
              .text = "the SHA-256 of the key in hex; a list while one is being replaced",
              .secret = true},
    ConfigKey{
        "scopes", TextList, "", "[infer, observe]",
        "infer: list and use models; observe: listings, logs, history; control: load, unload, "
        "cancel, reload; wake: may wake machines; list: list models alone; captures: read recorded "
        "prompts and answers",
        true, 0, 0, "infer|observe|control|wake|list|captures"},
    ConfigKey{
        "models", TextList, "", "[\"*\"]",
        "models it may use, see and control, by id or by the name asked for; * stands for any "
        "text"},
    ConfigKey{"maxInFlight", Number, "", "0", "requests at once; 0: no limit", true, 0},
    ConfigKey{"requestsPerMinute", Number, "", "0", "requests in any minute; 0: no limit", true, 0},
    ConfigKey{"tokensPerMinute", Number, "", "0",
              "no request begins while the last minute's tokens reach this; 0: no limit", true, 0},
    ConfigKey{"expires", Text, "", "", "a date (UTC) or RFC 3339 time from which it is refused"},
};
constexpr std::array kCors = {
    ConfigKey{"origins", TextList, "", "",
              "pages that may use the proxy, such as https://chat.example.org, or *"},
};

constexpr std::array kSecurity = {
    ConfigKey{"cors", Section, "securityCors", "", "which web pages on other origins may use it"},
};
constexpr std::array kSecurityCors = {
    ConfigKey{"allowedOrigins", TextList, "", "", "the same as cors.origins"},
    ConfigKey{"allowCredentials", Bool, "", "false",
              "browsers may send cookies and remembered passwords along; not with *"},
};

constexpr std::array kModel = {
    ConfigKey{"cmd", Text, "", "", "the engine's command line; no shell is involved"},
    ConfigKey{"cmdStop", Text, "", "", "runs instead of the first SIGTERM; ${PID} is the engine"},
    ConfigKey{"proxy", Text, "", "http://localhost:${PORT}",
              "where the engine answers; also unix:/dir/x.sock"},
    ConfigKey{.name = "apiKey",
              .type = Text,
              .text = "the key that the engine wants; sent instead of what a client sends",
              .secret = true},
    ConfigKey{"aliases", TextList, "", "[]", "other names for the model"},
    ConfigKey{"env", TextList, "", "[]", "K=V, added to the environment"},
    ConfigKey{
        "prefetch", TextList, "", "",
        "files that are read into free memory while the one before it still works; the models "
        "that cmd names, unless given"},
    ConfigKey{"checkEndpoint", Text, "", "/health",
              "answers 200 when the engine is ready; none: not asked"},
    ConfigKey{"ttl", Seconds, "", "-1",
              "seconds without a request after which it is unloaded; 0: never, -1: globalTTL", true,
              -1},
    ConfigKey{"unloadTimeout", Seconds, "", "0",
              "seconds from the first signal to SIGKILL; 0: the global value", true, 0},
    ConfigKey{"baseline", Bool, "", "false",
              "loaded at the start, and again when the ttl of another has ended and it fits"},
    ConfigKey{"unevictable", Bool, "", "false",
              "once loaded nobody gets its room: what does not fit beside it is refused"},
    ConfigKey{"unlisted", Bool, "", "false", "not in /v1/models"},
    ConfigKey{"useModelName", Text, "", "", "the model name that the engine is given"},
    ConfigKey{"name", Text, "", "", "for listings"},
    ConfigKey{"description", Text, "", "", "for listings"},
    ConfigKey{"concurrencyLimit", Number, "", "10",
              "requests on the engine at once; the others wait; 0 is 10"},
    ConfigKey{"filters", Section, "filters", "", "changes to requests"},
    ConfigKey{"macros", AnyMap, "", "{}", "macros of this model"},
    ConfigKey{"metadata", Anything, "", "{}", "shown in /v1/models"},
    ConfigKey{"sendLoadingState", Bool, "", "", "as the global key, for this model"},
    ConfigKey{"timeouts", Section, "timeouts", "", "seconds, on the way to the engine"},
    ConfigKey{"compat", Section, "compat", "", "peculiar clients"},
    ConfigKey{"capabilities", Section, "capabilities", "",
              "what the model can do, for listings; what is left out is asked of the engine"},
    ConfigKey{"healthCheckTimeout", Seconds, "", "0",
              "as the global key, for this model; 0: the global value", true, 0},
};

constexpr std::array kTimeouts = {
    ConfigKey{"connect", Seconds, "", "30", "to connect; 0: no limit", true, 0},
    ConfigKey{"keepalive", Seconds, "", "30", "between TCP keep-alives", false, 0},
    ConfigKey{"responseHeader", Seconds, "", "0", "until the answer begins; 0: no limit", true, 0},
    ConfigKey{"tlsHandshake", Seconds, "", "10", "for TLS; 0: no limit", true, 0},
    ConfigKey{"expectContinue", Seconds, "", "1", "for 100 Continue", false, 0},
    ConfigKey{"idleConn", Seconds, "", "90", "an idle connection is kept; 0: for ever", true, 0},
};

constexpr std::array kCompat = {
    ConfigKey{"ignoreWebsockets", Bool, "", "false", "WebSockets neither load nor keep the model"},
};

constexpr std::array kCapabilities = {
    ConfigKey{"in", TextList, "", "[]", "text, audio, image", true, 0, 0, "text|audio|image"},
    ConfigKey{"out", TextList, "", "[]", "text, audio, image", true, 0, 0, "text|audio|image"},
    ConfigKey{"tools", Bool, "", "false", "calls tools"},
    ConfigKey{"reranker", Bool, "", "false", "ranks documents"},
    ConfigKey{"context", Number, "", "0", "tokens", true, 0},
    ConfigKey{"disableAuto", Bool, "", "false", "only what is written here is told"},
};

constexpr std::array kFilters = {
    ConfigKey{"stripParams", Text, "", "", "parameters to remove, with commas between"},
    ConfigKey{"strip_params", Text, "", "", "old name of stripParams"},
    ConfigKey{"setParams", AnyMap, "", "{}",
              "parameters to set; \"name?\": only where the request has none"},
    ConfigKey{"setParamsByMatch", SectionList, "match", "[]",
              "parameters to set where one of the request has a certain value, before setParams"},
    ConfigKey{"setParamsByID", AnyMap, "", "{}",
              "parameters to set for one name; each name becomes an alias"},
};

constexpr std::array kMatch = {
    ConfigKey{"key", Text, "", "", "the parameter that is looked at"},
    ConfigKey{"match", TextOrList, "", "", "the value that it must have, or a list of them"},
    ConfigKey{"set", AnyMap, "", "{}",
              "what is set then; of what holds others, only those that are named"},
};

constexpr std::array kGroup = {
    ConfigKey{"swap", Bool, "", "true", "its members exclude each other"},
    ConfigKey{"exclusive", Bool, "", "true", "loading a member stops the other groups"},
    ConfigKey{"persistent", Bool, "", "false", "other groups cannot stop it"},
    ConfigKey{"members", TextList, "", "[]", "model ids or aliases"},
};

constexpr std::array kMatrix = {
    ConfigKey{"vars", TextMap, "", "{}", "short names for model ids"},
    ConfigKey{"evict_costs", TextMap, "", "{}", "what it costs to stop a model; 1 unless given"},
    ConfigKey{"sets", TextMap, "", "{}", "what may be resident together: a & (b | c) & +other"},
};

constexpr std::array kRouting = {
    ConfigKey{"router", Section, "router", "", "what may be resident together"},
    ConfigKey{"scheduler", Section, "scheduler", "", "the order of service"},
};
constexpr std::array kRouter = {
    ConfigKey{"use", Text, "", "group", "group or matrix"},
    ConfigKey{"settings", Section, "routerSettings", "", "of the routers"},
};
constexpr std::array kRouterSettings = {
    ConfigKey{"groups", SectionMap, "group", "{}", "the groups"},
    ConfigKey{"matrix", Section, "matrix", "", "the matrix"},
};
constexpr std::array kScheduler = {
    ConfigKey{"use", Text, "", "fifo", "fifo", true, 0, 0, "|fifo"},
    ConfigKey{"settings", Section, "schedulerSettings", "", "of the scheduler"},
};
constexpr std::array kSchedulerSettings = {
    ConfigKey{"fifo", Section, "fifo", "", "of the scheduler"},
};
constexpr std::array kFifo = {
    ConfigKey{"priority", TextMap, "", "{}",
              "model id or alias to a number; the higher goes first"},
};

constexpr std::array kProfile = {
    ConfigKey{"description", Text, "", "", "for people"},
    ConfigKey{"pins", AnyMap, "", "", "requested name to target"},
};
constexpr std::array kSelector = {
    ConfigKey{"strategy", Text, "", "", "pin, warm or spillover", true, 0, 0, "pin|warm|spillover"},
    ConfigKey{"targets", TextList, "", "", "models to choose from"},
    ConfigKey{"settings", Section, "selectorSettings", "", "of the strategy"},
    ConfigKey{"name", Text, "", "", "for listings"},
    ConfigKey{"description", Text, "", "", "for listings"},
    ConfigKey{"unlisted", Bool, "", "false", "not in /v1/models"},
    ConfigKey{"metadata", Anything, "", "{}", "shown in /v1/models"},
};
constexpr std::array kSelectorSettings = {
    ConfigKey{"spillover", Number, "", "1", "requests on a target before the next is used", true,
              1},
};
constexpr std::array kPeer = {
    ConfigKey{"proxy", Text, "", "", "its address"},
    ConfigKey{.name = "apiKey", .type = Text, .text = "the key that it wants", .secret = true},
    ConfigKey{"models", TextOrList, "", "auto",
              "the models that it has; auto: those that it lists, remembered while it sleeps"},
    ConfigKey{"filters", Section, "filters", "", "changes to requests"},
    ConfigKey{"timeouts", Section, "timeouts", "", "seconds, on the way to it"},
    ConfigKey{"probe", Text, "", "", "a path that answers when it is well; else /health is tried"},
    ConfigKey{"hold", Section, "peerHold", "", "requests that wait for it"},
    ConfigKey{"wake", Section, "wake", "", "how it is woken when it sleeps"},
};
constexpr std::array kPeerHold = {
    ConfigKey{"max", Number, "", "64", "so many at once", true, 1},
    ConfigKey{"bytes", Size, "", "64MiB", "of their bodies in memory"},
    ConfigKey{"wait", Duration, "", "3m", "longest wait of one"},
};
constexpr std::array kWake = {
    ConfigKey{"mac", TextOrList, "", "auto",
              "the addresses of its network cards; auto: those that its own rouse announces"},
    ConfigKey{"broadcast", TextOrList, "", "[]",
              "where magic packets are sent: 192.168.1.255; none: the networks of the interfaces"},
    ConfigKey{"port", TextOrList, "", "9", "UDP ports that they go to"},
    ConfigKey{"interface", Text, "", "", "they leave by this one"},
    ConfigKey{"source", Text, "", "", "they leave from this IPv4 address of ours"},
    ConfigKey{.name = "secureon",
              .type = Text,
              .text = "the card's password: six bytes in hex, or four with dots between",
              .secret = true},
    ConfigKey{"raw", Bool, "", "false", "also without IP, as ethertype 0x0842; needs CAP_NET_RAW"},
    ConfigKey{"unicast", TextOrList, "", "[]", "also to these addresses, such as its own"},
    ConfigKey{"relay", Section, "wakeRelay", "", "a rouse-suspendd relay on its network"},
    ConfigKey{"http", Section, "wakeHttp", "",
              "a request that switches it on; repeated until it answers, so no toggle"},
    ConfigKey{"command", TextOrList, "", "", "a program that switches it on; no shell is involved"},
    ConfigKey{"commandTimeout", Duration, "", "30s", "after which it is killed"},
    ConfigKey{"timeout", Duration, "", "2m", "it must answer within this time"},
    ConfigKey{"debounce", Duration, "", "2s", "a request withdrawn within this time wakes nothing"},
    ConfigKey{"quietHours", TextOrList, "", "[]", "times when no request wakes it: 23:00-07:00"},
};
constexpr std::array kWakeRelay = {
    ConfigKey{"url", Text, "", "", "where it listens"},
    ConfigKey{.name = "token", .type = Text, .text = "the token that it wants", .secret = true},
};
constexpr std::array kWakeHttp = {
    ConfigKey{"method", Text, "", "POST", "of the request"},
    ConfigKey{.name = "url", .type = Text, .text = "what is asked", .secret = true},
    ConfigKey{.name = "headers",
              .type = TextMap,
              .otherwise = "{}",
              .text = "of the request",
              .secret = true},
    ConfigKey{.name = "body", .type = Text, .text = "of the request", .secret = true},
};

constexpr std::array kStore = {
    ConfigKey{"path", Text, "", "", "an SQLite file"},
    ConfigKey{"maxRows", Number, "", "1000000", "the newest that are kept; 0: all", true, 0},
    ConfigKey{"maxAge", Duration, "", "2160h", "older ones are removed; 0: none"},
};
constexpr std::array kUi = {
    ConfigKey{"activity", Section, "uiActivity", "", "the history page"},
};
constexpr std::array kUiActivity = {
    ConfigKey{"session_id", TextList, "", "[X-Session-ID, X-Litellm-Session-Id]",
              "headers that name a session"},
};
constexpr std::array kPerformance = {
    ConfigKey{"disabled", Bool, "", "false", "no samples"},
    ConfigKey{"every", Duration, "", "5s", "between samples while somebody looks, at least 5s"},
};
constexpr std::array kMetrics = {
    ConfigKey{"compat", Text, "", "none",
              "llama-swap: its 16 metrics of the machine as well, by a run of nvidia-smi a scrape",
              true, 0, 0, "none|llama-swap"},
};
constexpr std::array kUpstream = {
    ConfigKey{"ignorePaths", TextList, "", "", "patterns of paths that load nothing"},
};
constexpr std::array kHooks = {
    ConfigKey{"on_startup", Section, "onStartup", "", "after the start"},
};
constexpr std::array kOnStartup = {
    ConfigKey{"preload", TextList, "", "[]", "models to load at start"},
    ConfigKey{"profile", Text, "", "", "the profile that is active then"},
};

constexpr std::array kSchedule = {
    ConfigKey{
        "maxWait", Duration, "", "auto",
        "a request that waited this long gets its model as soon as running ones end; auto: 2m, "
        "or when the other model has had its turn (swapBudget)",
        true, 0, 0, "auto"},
    ConfigKey{"swapBudget", Real, "", "0.25",
              "a model's turn is so long that the swaps to another and back take this part of the "
              "time; 0: no turns, as with a maxWait of its own",
              true, 0},
    ConfigKey{"minResidency", Duration, "", "auto",
              "a model stays at most this long after it was loaded; auto: as linger", true, 0, 0,
              "auto"},
    ConfigKey{"linger", Duration, "", "auto",
              "and after its last request; auto: as long as the next one is likely enough to come "
              "before a swap would pay",
              true, 0, 0, "auto"},
    ConfigKey{"gather", Duration, "", "0s",
              "waits this long before the first load to see who else asks"},
    ConfigKey{
        "abandonGrace", Duration, "", "1m",
        "how long a nearly done load that nobody waits for any more may keep its room from others"},
    ConfigKey{"giveUp", Duration, "", "0s", "refuses a request that waited this long; 0: never"},
    ConfigKey{"queueMax", Number, "", "10000", "requests that may wait; the next gets 429", true,
              1},
    ConfigKey{"loadFailuresMax", Number, "", "3",
              "failed starts in a row after which requests are refused for a while", true, 1},
    ConfigKey{"backoffFirst", Duration, "", "1s", "pause after the first failed start; it doubles"},
    ConfigKey{"backoffMax", Duration, "", "30s", "the longest pause"},
    ConfigKey{"shutdownDrain", Duration, "", "25s",
              "running requests may take this long after SIGTERM"},
};
constexpr std::array kWaiting = {
    ConfigKey{"hold", Duration, "", "12s", "a stream that waits gets its head after this long"},
    ConfigKey{"keepAlive", Duration, "", "8s", "and then a comment this often"},
};
constexpr std::array kAux = {
    ConfigKey{"enabled", Bool, "", "true", "false: they are requests like all others"},
    ConfigKey{"maxTokens", Number, "", "16", "a request for so few tokens is one", true, 0},
    ConfigKey{"bodyMax", Size, "", "64KiB", "a larger body is none"},
    ConfigKey{"patience", Duration, "", "1s", "lets others go first for so long before it loads"},
    ConfigKey{"answerBy", TextList, "", "[]",
              "models that may answer instead, when they are loaded"},
    ConfigKey{"ifNotLoaded", Text, "", "wait",
              "refuse: nothing is loaded or woken for them, that is a 409", true, 0, 0,
              "wait|refuse"},
    ConfigKey{"rules", TextList, "", "[]",
              "patterns (RE2) of bodies that are one, whatever they ask for"},
};
constexpr std::array kLimits = {
    ConfigKey{"bodyMax", Size, "", "64MiB", "a request's body; more is 413"},
    ConfigKey{"bodyRateMin", Size, "", "4KiB",
              "a second: a client that sends less loses its request, one that takes less loses it "
              "when others wait; 0: any"},
    ConfigKey{"heldMax", Size, "", "256MiB",
              "of all bodies that wait in memory; more are 503; at least bodyMax"},
    ConfigKey{"headMax", Size, "", "64KiB", "a request's head; more is 431"},
    ConfigKey{"connectionsMax", Number, "", "20000", "connections at once; more get 503", true, 1},
    ConfigKey{"connectionsPerAddress", Number, "", "0",
              "of one address, other than this machine's; 0: half of connectionsMax", true, 0},
    ConfigKey{"headTimeout", Duration, "", "30s",
              "for the whole head of a request, and for the first byte of a connection"},
    ConfigKey{"bodyTimeout", Duration, "", "1m", "between two pieces of a body"},
    ConfigKey{"tunnelTimeout", Duration, "", "1h",
              "a WebSocket on which nobody talks is kept this long"},
    ConfigKey{"idleTimeout", Duration, "", "6m",
              "a connection without a request is kept this long"},
};

constexpr std::array kTls = {
    ConfigKey{"cert", Text, "", "",
              "the certificate (PEM), followed by those that lead to its root"},
    ConfigKey{"key", Text, "", "", "its private key (PEM), without a password"},
    ConfigKey{"minVersion", Text, "", "1.2", "of TLS: 1.2 or 1.3", true, 0, 0, "1.2|1.3"},
};

constexpr std::array kPower = {
    ConfigKey{"socket", Text, "", "",
              "the unix socket of rouse-suspendd; empty: /run/rouse/power.sock if there is that "
              "folder"},
    ConfigKey{"users", TextList, "", "[]",
              "who may use the socket, besides root, our own user and rouse-suspendd; names or "
              "numbers"},
    ConfigKey{"groups", TextList, "", "[]", "and whose members may"},
    ConfigKey{"onWake", TextList, "", "[]",
              "models that are loaded after a sleep; last: those that were there before it"},
};

constexpr std::array kSections = {
    ConfigSection{"top", kTop},
    ConfigSection{"key", kKey},
    ConfigSection{"cors", kCors},
    ConfigSection{"security", kSecurity},
    ConfigSection{"securityCors", kSecurityCors},
    ConfigSection{"model", kModel},
    ConfigSection{"timeouts", kTimeouts},
    ConfigSection{"compat", kCompat},
    ConfigSection{"capabilities", kCapabilities},
    ConfigSection{"filters", kFilters},
    ConfigSection{"match", kMatch},
    ConfigSection{"group", kGroup},
    ConfigSection{"matrix", kMatrix},
    ConfigSection{"routing", kRouting},
    ConfigSection{"router", kRouter},
    ConfigSection{"routerSettings", kRouterSettings},
    ConfigSection{"scheduler", kScheduler},
    ConfigSection{"schedulerSettings", kSchedulerSettings},
    ConfigSection{"fifo", kFifo},
    ConfigSection{"profile", kProfile,
                  "a list of models was the form of old profiles; write it as a group of models "
                  "that may be loaded together, whose requests name the model alone: "
                  "groups: {{{name}: {{swap: false, members: [{items}]}}}}"},
    ConfigSection{"selector", kSelector},
    ConfigSection{"selectorSettings", kSelectorSettings},
    ConfigSection{"peer", kPeer},
    ConfigSection{"peerHold", kPeerHold},
    ConfigSection{"wake", kWake},
    ConfigSection{"wakeRelay", kWakeRelay},
    ConfigSection{"wakeHttp", kWakeHttp},
    ConfigSection{"store", kStore},
    ConfigSection{"ui", kUi},
    ConfigSection{"uiActivity", kUiActivity},
    ConfigSection{"performance", kPerformance},
    ConfigSection{"metrics", kMetrics},
    ConfigSection{"upstream", kUpstream},
    ConfigSection{"hooks", kHooks},
    ConfigSection{"onStartup", kOnStartup},
    ConfigSection{"schedule", kSchedule},
    ConfigSection{"waiting", kWaiting},
    ConfigSection{"aux", kAux},
    ConfigSection{"limits", kLimits},
    ConfigSection{"tls", kTls},
    ConfigSection{"power", kPower},
};

constexpr std::string_view kNoPolicies =
    "rouse has no policies: filters (setParams, \"name?\", setParamsByMatch, stripParams) change "
    "requests";
constexpr std::string_view kNoTailcat =
    "rouse does not speak tailcat: give the peer's address as http:// or https://";
constexpr std::array kForeign = {
    ForeignKey{"top", "policies", kNoPolicies},
    ForeignKey{"filters", "policy", kNoPolicies},
    ForeignKey{"hooks", "on_request", kNoPolicies},
    ForeignKey{"top", "tailcat", kNoTailcat},
    ForeignKey{"peer", "tailcatKey", kNoTailcat},
    ForeignKey{"model", "peer",
               "a model without cmd is served by the peers that have one of its name, with these "
               "filters"},
    ForeignKey{"model", "model", "the name that the engine is given is useModelName"},
};

constexpr ConfigTable kTable{"configuration of rouse", kSections, true, Problem::Severity::Warning,
                             kForeign};

}  // namespace

const ConfigTable& config_table() {
  return kTable;
}

std::string json_schema() {
  return json_schema(kTable);
}

}  // namespace rouse
