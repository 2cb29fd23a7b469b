#include "proxy/check/findings.hpp"

#include "base/text/rfc3339.hpp"
#include "proxy/check/model_files.hpp"
#include "tests/proxy/check/fake_files.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FakeFiles machine() {
  FakeFiles files;
  files.folder("/m").folder("/m/").file("/m/a.gguf").folder("/m/dir.gguf").folder("/bin");
  files.program("/bin/llama-server").program("/bin/docker").program("/bin/sh");
  files.program("/bin/wrap", "#!/bin/sh\n").program("/bin/kill").program("/bin/nice");
  files.program("tools/engine");
  const std::string sqlite = std::string("SQLite format 3\0", 16) + std::string(52, 'x');
  files.file("/m/ours.db", sqlite + "rous").file("/m/empty.db");
  files.file("/m/swap.db", sqlite + "none CREATE TABLE activity (ts_created, model_id)");
  files.file("/m/other.db", sqlite + "none CREATE TABLE bookmarks").file("/m/text.db", "hello");
  files.put("/m/private.gguf", {FileFacts::Kind::File, false, false, false}, {});
  return files;
}

/// Severity and whole text of each.
std::vector<std::string> found_in(const std::string& text,
                                  const std::string& listen = "127.0.0.1:8080",
                                  bool tells_exposure = true) {
  const LoadedConfig loaded = parse_config(text, "c.yaml");
  EXPECT_TRUE(loaded.config) << text;
  if (!loaded.config) return {};
  const FakeFiles files = machine();
  CheckedPlace place;
  place.files = &files;
  place.listen = listen;
  place.tells_exposure = tells_exposure;
  place.now = *parse_rfc3339("2026-12-01T00:00:00Z");
  std::vector<std::string> list;
  for (const Finding& each : find_findings(loaded, place)) {
    list.push_back(std::string(name_of(each.severity)) + " " + each.str());
  }
  return list;
}

std::vector<std::string> found_in_cmd(const std::string& cmd) {
  return found_in("models:\n  a:\n    cmd: |\n      " + cmd + "\n");
}

TEST(Findings, OfACommandThatWorksThereAreNone) {
  EXPECT_THAT(found_in(""), IsEmpty());
  for (const char* const cmd :
       {"/bin/llama-server --port ${PORT} -m /m/a.gguf", "/bin/wrap ${PORT} --model=/m/a.gguf",
        "/bin/docker run -p ${PORT}:8080 image --port 8080 -m /in/the/image.gguf",
        "/bin/nice docker run image --port 8080 ${PORT} -m /in/the/image.gguf",
        "/bin/llama-server --port ${PORT} -hf org/name -m /m/fetched.gguf",
        "/bin/llama-server --port ${PORT} -m org/name --mmproj https://h/x.gguf",
        "/bin/sh -c 'cd /m && exec /bin/llama-server --port ${PORT} -m *.gguf > log'"}) {
    EXPECT_THAT(found_in_cmd(cmd), IsEmpty()) << cmd;
  }
}

TEST(Findings, NameProgramAndModelFile) {
  EXPECT_THAT(found_in_cmd("/bin/llama-serve --port ${PORT}"),
              ElementsAre("refuse c.yaml:3:10: models.a.cmd: program /bin/llama-serve does not "
                          "exist -> correct the path, or install it there"));
  EXPECT_THAT(found_in_cmd("/bin/llama-server --port ${PORT} -m /m/b.gguf --mmproj=/m/a.gguf"),
              ElementsAre("refuse c.yaml:3:10: models.a.cmd: -m /m/b.gguf: there is no such file "
                          "-> correct the path, or put the file there; is the disk mounted?"));
  EXPECT_THAT(found_in_cmd("/bin/llama-server --port ${PORT} -m b.gguf"),
              ElementsAre("refuse c.yaml:3:10: models.a.cmd: -m b.gguf: there is no such file in "
                          "/here, the folder in which rouse was started -> write its whole path"));
  EXPECT_THAT(found_in_cmd("/bin/llama-server --port ${PORT} --mmproj /m/private.gguf"),
              ElementsAre("refuse c.yaml:3:10: models.a.cmd: --mmproj /m/private.gguf: may not be "
                          "read by rouse -> let rouse read it (chmod, chown, or a group)"));
  EXPECT_THAT(found_in_cmd("/bin/llama-server --port ${PORT} -m /m/dir.gguf"),
              ElementsAre("refuse c.yaml:3:10: models.a.cmd: -m /m/dir.gguf: is a folder -> name "
                          "the file in it"));
  // A script may make what is not there, or mean another place by it.
  EXPECT_THAT(found_in_cmd("/bin/wrap --port ${PORT} -m /m/b.gguf"),
              ElementsAre("warn c.yaml:3:10: models.a.cmd: -m /m/b.gguf: there is no such file -> "
                          "correct the path, or put the file there; is the disk mounted?"));
  // What a shell was to find is told once.
  EXPECT_THAT(found_in_cmd("/bin/llama-server --port ${PORT} -m ~/b.gguf"),
              ElementsAre(HasSubstr("refuse c.yaml:3:10: models.a.cmd: the ~ of \"~/b.gguf\"")));
}

TEST(Findings, ARelativePathIsFromSomewhere) {
  EXPECT_THAT(found_in_cmd("tools/engine --port ${PORT}"),
              ElementsAre("warn c.yaml:3:10: models.a.cmd: tools/engine counts from the folder in "
                          "which rouse was started, here /here: a service starts in another -> "
                          "write its whole path"));
}

TEST(Findings, OneForOneFault) {
  EXPECT_THAT(found_in_cmd("/bin/llama-server --kwargs '{\"a\": 1} --port ${PORT}"),
              ElementsAre("refuse c.yaml:3:10: models.a.cmd: a single quote is never closed: all "
                          "that follows it is one argument, {\"a\": 1} --port 5800 -> close it, or "
                          "write \\' for the sign itself"));
  EXPECT_THAT(found_in_cmd("cd /m && /bin/llama-server --port ${PORT}"),
              ElementsAre(HasSubstr("\"cd\" is a word of the shell")));
  EXPECT_THAT(found_in_cmd("KEY=x /bin/llama-server --port ${PORT}"),
              ElementsAre(HasSubstr("\"KEY=…\" is run as if it were the program")));
}

TEST(Findings, OfACommandToStopAreWarnings) {
  EXPECT_THAT(found_in("models: {a: {cmd: \"/bin/llama-server ${PORT}\", cmdStop: \"/bin/kill "
                       "${PID} > /dev/null\"}, b: {cmd: \"/bin/llama-server ${PORT}\", cmdStop: "
                       "\"/bin/stop ${PID}\"}}\n"),
              ElementsAre(testing::StartsWith("warn c.yaml:1:57: models.a.cmdStop: no shell reads "
                                              "\">\": it is passed to /bin/kill as an argument"),
                          "warn c.yaml:1:137: models.b.cmdStop: program /bin/stop does not exist; "
                          "SIGTERM is sent instead -> correct the path, or install it there"));
}

TEST(Findings, APortIsForOne) {
  const std::string two =
      "models:\n  a: {cmd: /bin/llama-server --port 9000, proxy: \"http://localhost:9000\"}\n"
      "  b: {cmd: /bin/llama-server --port 9000, proxy: \"http://127.0.0.1:9000\"}\n";
  EXPECT_THAT(found_in(two), IsEmpty()) << "they are never loaded together";
  EXPECT_THAT(found_in(two + "matrix: {sets: {s: a & b}}\n"),
              ElementsAre("refuse c.yaml:3:50: models.b.proxy: port 9000 is that of a, too, and "
                          "they may be loaded at once: whichever starts last finds it taken -> "
                          "write --port ${PORT}, by which each model gets its own; or keep them "
                          "apart in matrix: or groups:"));
  const std::string mixed =
      "models:\n  a: {cmd: /bin/llama-server --port 5801, proxy: \"http://localhost:5801\"}\n"
      "  b: {cmd: \"/bin/llama-server --port ${PORT}\"}\n"
      "  c: {cmd: \"/bin/llama-server --port ${PORT}\"}\n";
  EXPECT_THAT(
      found_in(mixed),
      ElementsAre("warn c.yaml:2:50: models.a.proxy: port 5801 is one that ${PORT} may give "
                  "to another model: it counts from 5800 (startPort) -> write --port "
                  "${PORT} here, too, or a port below 5800"));
  EXPECT_THAT(found_in(mixed + "matrix: {sets: {s: a & c}}\n"),
              ElementsAre(HasSubstr("refuse c.yaml:4:12: models.c.cmd: port 5801 is that of a")));
  EXPECT_THAT(found_in("models:\n  a: {cmd: /bin/llama-server, proxy: \"unix:/r/s\"}\n"
                       "  b: {cmd: /bin/llama-server, proxy: \"unix:/r/s\"}\n"
                       "matrix: {sets: {s: a & b}}\n"),
              ElementsAre(HasSubstr("the socket /r/s is that of a, too")));
  EXPECT_THAT(
      found_in("models:\n  a: {cmd: /bin/llama-server --port 5864, proxy: \"http://[::1]:5864\"}\n"
               "  b: {cmd: \"/bin/llama-server --port ${PORT}\"}\n"),
      IsEmpty())
      << "far from those that ${PORT} gives";
  EXPECT_THAT(found_in("models:\n  a: {proxy: \"http://localhost:9000\"}\n"
                       "  b: {cmd: /bin/llama-server, proxy: \"http://localhost:9000\"}\n"
                       "matrix: {sets: {s: a & b}}\n"),
              IsEmpty())
      << "a is not started";
}

TEST(Findings, RousesOwnPortIsTaken) {
  const std::string text =
      "models: {a: {cmd: /bin/llama-server --port 8080, proxy: \"http://localhost:8080\"}}\n"
      "peers: {self: {proxy: \"http://127.0.0.1:8080\"}}\n";
  EXPECT_THAT(
      found_in(text),
      ElementsAre("refuse c.yaml:1:57: models.a.proxy: port 8080 is the one on which rouse "
                  "itself listens (127.0.0.1:8080): the engine would find it taken -> "
                  "write --port ${PORT}, by which each model gets its own; or let rouse "
                  "listen elsewhere (--listen)",
                  "refuse c.yaml:2:23: peers.self.proxy: 127.0.0.1:8080 is this rouse itself "
                  "(127.0.0.1:8080): each request would come back to it -> name the other "
                  "machine, or take the peer out"));
  EXPECT_THAT(found_in(text, "127.0.0.1:9000"), IsEmpty());
  EXPECT_THAT(found_in(text, "127.0.0.1:0"), IsEmpty());
  EXPECT_THAT(found_in("models: {a: {cmd: \"/bin/llama-server ${PORT}\"}}\n", "127.0.0.1:5800"),
              ElementsAre(HasSubstr("set another startPort")));
}

TEST(Findings, APortThatIsNotThatOfTheProxy) {
  EXPECT_THAT(found_in("models: {a: {cmd: /bin/llama-server --port 9001, proxy: "
                       "\"http://localhost:9000\"}}\n"),
              ElementsAre("refuse c.yaml:1:19: models.a.cmd: the command says --port 9001, and "
                          "rouse looks for the engine at localhost:9000 (proxy): it would never be "
                          "ready -> write proxy: http://localhost:9001, or --port ${PORT} and no "
                          "proxy"));
  EXPECT_THAT(found_in("models: {a: {cmd: /bin/llama-server --port 9001, proxy: "
                       "\"http://10.0.0.9:9000\"}}\n"),
              IsEmpty());
  EXPECT_THAT(found_in("models: {a: {cmd: /bin/llama-server --port=9001, proxy: "
                       "\"http://localhost:9000\"}}\n"),
              ElementsAre(HasSubstr("the command says --port 9001, and")));
}

TEST(Findings, AContextThatTheCommandDoesNotHave) {
  const auto found = [](const std::string& options, const std::string& keys) {
    return found_in("models: {a: {cmd: \"/bin/llama-server --port ${PORT} " + options +
                    "\", capabilities: {" + keys + "}}}\n");
  };
  EXPECT_THAT(found("-c 8192 -np 2", "context: 65536"),
              ElementsAre("warn c.yaml:1:93: models.a.capabilities.context: says 65536, and the "
                          "command has -c 8192 for 2 slots: clients are promised more than a "
                          "request can have -> leave it out: the engine says what it has"));
  EXPECT_THAT(found("-c 8192", "context: 8192"), IsEmpty());
  EXPECT_THAT(found("-c 8000", "context: 8192"), IsEmpty()) << "llama-server rounds up";
  EXPECT_THAT(found("-c 8192", "context: 4096"), IsEmpty()) << "less is a wish";
  EXPECT_THAT(found("", "context: 65536"), IsEmpty());
  EXPECT_THAT(found("-c 8192", "context: 65536, disableAuto: true"), IsEmpty());
}

TEST(Findings, OfAHistoryThatIsSomebodyElses) {
  const auto found = [](const std::string& file) {
    return found_in("store: {path: " + file + "}\n");
  };
  for (const char* const file : {"/m/none.db", "/m/empty.db", "/m/ours.db"}) {
    EXPECT_THAT(found(file), IsEmpty()) << file;
  }
  EXPECT_THAT(
      found("/m/swap.db"),
      ElementsAre("warn c.yaml:1:15: store.path: /m/swap.db is the history of llama-swap: it is "
                  "left as it is, and the history is kept in memory -> name a file that is not "
                  "there yet"));
  EXPECT_THAT(
      found("/none/x.db"),
      ElementsAre("warn c.yaml:1:15: store.path: there is no folder /none/: the history is kept "
                  "in memory -> make it, or correct the path"));
  EXPECT_THAT(found("/m/other.db"), ElementsAre(HasSubstr("is the database of another program")));
  EXPECT_THAT(found("/m/text.db"), ElementsAre(HasSubstr("is no SQLite database")));
}

TEST(Findings, OfPeersKeysAndTls) {
  EXPECT_THAT(
      found_in("peers:\n  p: {proxy: \"http://10.0.0.2:1\", wake: {}}\n"
               "  q: {proxy: \"http://10.0.0.3:1\", wake: {mac: 3c:7c:3f:12:34:56, command: "
               "/bin/wol}}\n"),
      ElementsAre("warn c.yaml:2:35: peers.p.wake: no address of a network card is given, so p "
                  "cannot be woken until a rouse there has told it once, awake -> write mac: (`ip "
                  "link` there shows it)",
                  "warn c.yaml:3:75: peers.q.wake.command: program /bin/wol does not exist -> "
                  "correct the path, "
                  "or install it there"));
  EXPECT_THAT(found_in("peers: {p: {proxy: \"http://10.0.0.2:1\", wake: {command: /bin/wol}}}\n"),
              ElementsAre(HasSubstr("warn c.yaml:1:57: peers.p.wake.command: program /bin/wol")))
      << "its card may be learned";
  const std::string key(64, 'a');
  EXPECT_THAT(
      found_in("keys: {ci: {sha256: " + key +
               ", expires: 2026-06-30}}\n"
               "peers: {p: {proxy: \"http://10.0.0.2:1\", wake: {mac: 3c:7c:3f:12:34:56}}}\n"),
      ElementsAre("warn c.yaml:1:1: keys: no key has the scope wake: no request wakes a peer that "
                  "sleeps -> add wake to the scopes of those who may",
                  "warn c.yaml:1:8: keys.ci: expired on 2026-06-30: whoever uses it is refused -> "
                  "`rouse key ci` makes a new one; or take it out"));
  const std::string reader = "captureBuffer: 1\nkeys: {ci: {sha256: " + key + ", scopes: [";
  EXPECT_THAT(
      found_in(reader + "infer, observe]}}\n"),
      ElementsAre("warn c.yaml:1:16: captureBuffer: no key has the scope captures: nobody can "
                  "read what is recorded (observe is not enough) -> add captures to the "
                  "scopes of those who may read prompts"));
  EXPECT_THAT(found_in(reader + "captures]}}\n"), IsEmpty());
  EXPECT_THAT(found_in("tls: {cert: /m/none.pem, key: /m/private.gguf}\n"),
              ElementsAre("refuse c.yaml:1:13: tls.cert: /m/none.pem does not exist: rouse would "
                          "not start with it -> correct the path",
                          "refuse c.yaml:1:31: tls.key: /m/private.gguf may not be read by rouse: "
                          "rouse would not start with it -> let rouse read it (chmod, chown, or a "
                          "group)"));
  EXPECT_THAT(found_in("models: {}\n", "0.0.0.0:8080"),
              ElementsAre("warn keys: there are none, and rouse listens on 0.0.0.0:8080: whoever "
                          "can reach that may use, load and unload every model -> make one with "
                          "`rouse key NAME`, or listen on 127.0.0.1 only"));
  EXPECT_THAT(found_in("models: {}\n", "0.0.0.0:8080", false), IsEmpty());
}

TEST(Findings, OfWhatIsUnwise) {
  EXPECT_THAT(
      found_in("apiKeys: [\"fifteen-letters\"]\n"),
      ElementsAre("warn c.yaml:1:1: apiKeys: one of them has less than 16 characters: it can be "
                  "guessed -> `rouse key NAME` makes one that cannot"));
  EXPECT_THAT(found_in("apiKeys: [\"sixteen--letters\"]\n"), IsEmpty());
  const std::string keys = "apiKeys: [\"sixteen--letters\"]\n";
  for (const char* const host : {"--host 0.0.0.0", "--host=::", "--host \"*\""}) {
    const std::string model =
        std::string("models:\n  a:\n    cmd: |\n      /bin/llama-server --port ${PORT} ") + host +
        "\n";
    EXPECT_THAT(found_in(keys + model),
                ElementsAre(HasSubstr("models.a.cmd: the engine listens on every address")))
        << host;
    EXPECT_THAT(found_in(model), IsEmpty()) << "whoever may reach it may use us, too";
    EXPECT_THAT(found_in(keys + model + "    apiKey: of-the-engine\n"), IsEmpty());
  }
  EXPECT_THAT(found_in(keys + "models: {a: {cmd: \"/bin/llama-server --port ${PORT} --host "
                              "127.0.0.1\"}}\n"),
              IsEmpty());
}

TEST(Findings, OfRootOnlyWhereItIsRouseThatAsks) {
  class RootsFiles final : public MachineFiles {
   public:
    [[nodiscard]] FileFacts look(const std::string&) const override { return {}; }
    [[nodiscard]] std::string head(const std::string&, std::size_t) const override { return {}; }
    [[nodiscard]] std::string folder() const override { return "/"; }
    [[nodiscard]] std::string user() const override { return "root"; }
  };
  const RootsFiles files;
  CheckedPlace place;
  place.files = &files;
  const LoadedConfig loaded = parse_config("models: {}", "c.yaml");
  EXPECT_THAT(find_findings(loaded, place), IsEmpty());
  place.runs = true;
  const std::vector<Finding> findings = find_findings(loaded, place);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings.front().what, "rouse runs as root, and so do all engines");
}

TEST(Findings, OfModelsThatAreLoadedTogetherInVain) {
  EXPECT_THAT(found_in("models: {a: {cmd: \"/bin/llama-server ${PORT}\"}, b: {cmd: "
                       "\"/bin/llama-server ${PORT}\"}}\n"
                       "hooks: {on_startup: {preload: [a, b]}}\n"),
              ElementsAre("warn c.yaml:2:22: hooks.on_startup.preload: a and b are never loaded "
                          "together: each that comes makes others leave -> name only models that "
                          "may stand side by side"));
}

TEST(Findings, WithoutALookAtFilesOnlyTheTextCounts) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"/no/x ${PORT} -m /no/a.gguf\"}, b: {cmd: \"/no/x ${PORT} > log\"}}\n",
      "c.yaml");
  CheckedPlace place;
  place.files = &unseen_files();
  const std::vector<Finding> findings = find_findings(loaded, place);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings.front().title, "models.b.cmd");
}

TEST(Findings, WhatDependsOnTheEnvironmentIsNotJudged) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"${env.NOPE} ${PORT}\"}, b: {cmd: \"/bin/llama-server ${PORT} -m "
      "${env.NOPE}/x.gguf\"}, c: {cmd: \"${env.NOPE}\"}}\n",
      "c.yaml", false);
  ASSERT_TRUE(loaded.config);
  const FakeFiles files = machine();
  CheckedPlace place;
  place.files = &files;
  EXPECT_THAT(find_findings(loaded, place), IsEmpty());
}

TEST(Findings, SumUpWhatTheySay) {
  EXPECT_EQ(findings_text({}), "nothing here would fail; 0 warnings\n");
  EXPECT_EQ(findings_text({{Finding::Severity::Refuse, {}, "models.a.cmd", "is bad", "mend it"},
                           {Finding::Severity::Warn, {}, "keys", "are odd", ""}}),
            "REFUSE  models.a.cmd  is bad\n"
            "                      -> mend it\n"
            "warn    keys          are odd\n"
            "\n1 thing would fail; 1 warning\n");
}

TEST(StartObstacle, IsWhatIsSure) {
  const FakeFiles files = machine();
  ModelConfig model;
  model.id = "a";
  const auto obstacle = [&](const std::string& cmd) {
    model.cmd = cmd;
    model.argv = split_command(cmd);
    return start_obstacle(model, files);
  };
  EXPECT_EQ(obstacle(""), "");
  EXPECT_EQ(obstacle("/bin/llama-server -m /m/a.gguf"), "");
  EXPECT_EQ(obstacle("/bin/none -m /no/x.gguf"),
            "program /bin/none of model a does not exist: correct the path, or install it there");
  EXPECT_EQ(obstacle("/bin/llama-server -m /no/x.gguf"),
            "model a cannot be loaded: -m /no/x.gguf: there is no such file: correct the path, or "
            "put the file there; is the disk mounted?");
  EXPECT_EQ(program_obstacle(model, files), "");
  EXPECT_EQ(obstacle("/bin/wrap -m /no/x.gguf"), "") << "a script may make it";
  EXPECT_EQ(obstacle("/bin/llama-server -m '/no/x.gguf"), "") << "it is not what was meant";
  EXPECT_EQ(start_obstacle(model, unseen_files()), "");
}

}  // namespace
}  // namespace rouse
