#include "base/cli/terminal.hpp"
#include "proxy/cli/ask_proxy.hpp"
#include "proxy/cli/commands.hpp"
#include "proxy/cli/explain_page.hpp"
#include "proxy/wire/query.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace rouse {

namespace {

struct ExplainOptions {
  ProxyOptions proxy;
  std::string name;  ///< empty: all of it
  bool json = false;
};

int explain(const ExplainOptions& options) {
  const auto fail = [](const std::string& text, int status) {
    std::fprintf(stderr, "rouse explain: %s\n", text.c_str());
    return status;
  };
  const Result<Endpoint> proxy = proxy_endpoint(options.proxy);
  if (!proxy) return fail(options.proxy.url + ": " + proxy.error().message(), 2);
  std::string target = "/api/explain";
  if (!options.name.empty()) target += "/" + wire::percent_encode(options.name);
  const ProxyReply reply = ask_proxy_now(*proxy, options.proxy.key, target);
  if (reply.is_unknown_name) return fail(reply.problem, 2);
  if (!reply.facts) return fail(problem_text(options.proxy, reply), 1);
  const std::string text =
      options.json ? reply.json + "\n" : explain_page(*reply.facts, window_of_stdout().look);
  return write_stdout(text) ? 0 : 1;
}

}  // namespace

void add_explain_command(CommandLine& line) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App& command = line.add({
      .name = "explain",
      .headline = "why a running proxy does what it does, and what happens next",
      .about = "Says why each model is loaded, waiting, evicted or failing, why a peer counts as "
               "asleep, what keeps this machine awake, and what happens by itself and when. With a "
               "name, all that is known of one model or one peer; the name is looked up as that of "
               "a request would be: by the active profile, selectors, aliases and peers.",
      .examples = {{"rouse explain", "the whole proxy"}},
      .statuses = {{"0", "It has answered."},
                   {"1", "It has not, or it wants another key."},
                   {"2", "Nothing there has that name."}},
      .act = [options] { return explain(*options); },
  });
  command.add_option("NAME", options->name, "a model, an alias, a selector, or a peer");
  add_proxy_options(command, options->proxy);
  command.add_flag("--json", options->json, "for a script: the answer of /api/explain");
}

}  // namespace rouse
