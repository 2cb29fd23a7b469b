"""Judges a command that stands in a sentence, in a comment, or in what a program says: is there such a
program, command, option, unit, script, route? What can be run without harm is run."""
import json
import re
import shlex

import texts

# Programs of others that our texts name, and why they are not run here.
FOREIGN = {
    "docker": "there is none here", "podman": "there is none here",
    "ethtool": "wants a real card", "ip": "changes nothing of ours", "nmcli": "NetworkManager's",
    "udevadm": "wants udev", "nvidia-smi": "wants a GPU", "modprobe": "wants a kernel of its own",
    "tests/mutate.py": "the test mutants looks at its lists", "promtool": "tests/deploy_test.py runs it", "kubectl": "tests/kubernetes_test.py reads what it takes",
    "llama-server": "an engine's", "git": "changes the tree", "ctest": "runs this test",
    "ninja": "builds the tree", "cpack": "scripts/package runs it", "node": "stories.known looks at its script", "journalctl": "wants a journal", "loginctl": "wants logind",
    "systemd-inhibit": "wants logind", "systemd-logind": "is started by systemd", "man": "the build makes the pages",
    "tailscale": "wants a tailnet", "systemd-analyze": "tests/service_test.py runs it",
    "sha256sum": "says what `rouse key` says: tests/documents/stories.py",
}
# Packages that our texts name: tests/root/packages_in_root.sh installs them along with ours.
PACKAGES = {"polkitd"}
METHODS = ("GET", "POST", "PUT", "DELETE")
# What stands for something in a route.
PLACEHOLDERS = {"<model>": "coder", "<name>": "coder", "<path>": "health", "<peer>": "attic", "<id>": "1"}
BODIES = {"/v1/embeddings": '{"model":"embed","input":"hi"}', "/api/profiles/active": '{"name":"night"}',
          "/v1/power/ack": '{"epoch":1}'}
CHAT = '{"model":"coder","messages":[{"role":"user","content":"hi"}],"prompt":"hi","input":"hi","query":"a",' \
       '"documents":["a"],"max_tokens":4}'
URL = "http://127.0.0.1:8080"
# Of other programs than rouse, which stories.py has started.
OTHERS = {"/v1/wake": "http://127.0.0.1:9009"}


def looks_like_a_command(text):
    """Not a key of YAML, a header, a path alone, code."""
    if re.match(r"[A-Z_]+=\S+ \S", text):
        return True
    first, _, rest = text.partition(" ")
    if first in ("rouse", "rouse-suspendd") or first.startswith("scripts/"):
        return True
    return bool(rest) and re.fullmatch(r"[a-z][\w./-]*", first) is not None and ":" not in first


class Judge:
    """Knows what the programs offer: by their own help."""

    def __init__(self, world):
        self.world = world
        self.helps = {}
        presets = json.loads(texts.read("CMakePresets.json"))
        self.presets = {preset["name"] for preset in presets["configurePresets"]}

    def help(self, *words):
        if words not in self.helps:
            status, said = self.world.run(" ".join(words) + " --help")
            self.helps[words] = said if status == 0 else ""
        return self.helps[words]

    def commands_of(self, program):
        said = self.help(program)
        listed = said.partition("ommands:")[2]
        return set(re.findall(r"^ {2}([a-z][a-z-]+)", listed, re.M))

    def judge(self, text):
        """What is wrong with it, or None."""
        text = re.sub(r"^\$ ", "", text)
        for part in re.split(r"\s*(?:;|&&|\|)\s+", text):
            said = self.judge_one(part)
            if said:
                return said
        return None

    def judge_one(self, text):
        settings = []
        while re.match(r"[A-Z_]+=\S* ", text):
            setting, _, text = text.partition(" ")
            settings.append(setting.partition("=")[0])
        text = re.sub(r"^sudo (?:-u \S+ )?", "", text)
        try:
            words = shlex.split(re.sub(r"\s*[<>]+ ?\S+$", "", text))
        except ValueError as fault:
            return f"the shell would not read it: {fault}"
        program, *words = words
        how = {"rouse": self.ours, "rouse-suspendd": self.ours, "systemctl": self.systemctl, "apt": self.apt,
               "cmake": self.cmake, "curl": self.curl}.get(program)
        if how:
            return how(program, words)
        if program.startswith(("scripts/", "./scripts/")):
            return self.script(program, words, settings)
        if program in FOREIGN or program.startswith("build/dev/"):
            return None
        return f"nobody knows the program {program}: tests/documents/commands.py has the list"

    def ours(self, program, words):
        if "--" in words:
            words = words[:words.index("--")]
        names = self.commands_of(program)
        offered = self.help(program)
        command = next((word for word in words if word in names), None)
        if command:
            offered += self.help(program, command)
        elif program == "rouse" and any(word.startswith("-") for word in words):
            offered += self.help(program, "serve")  # options alone mean it
        elif words and not words[0].startswith("-") and words[0] not in ("COMMAND", "…"):
            return f"{program} has no command {words[0]}, but {sorted(names)}"
        for word in words:
            option = re.match(r"--?[a-zA-Z][\w-]*", word)
            # As llama-swap has them, long ones may have one dash.
            if option and not re.search(rf"(?:^|[\s,])-?{re.escape(option.group())}(?![\w-])", offered):
                return f"{program} {command or ''} has no option {option.group()}"
        return None

    def systemctl(self, program, words):
        status, said = self.world.run(shlex.join([program, *words]))
        return said.strip() if status != 0 else None

    def apt(self, _, words):
        if words[:1] != ["install"]:
            return "only `apt install` is known"
        missing = [word for word in words[1:] if word not in PACKAGES and not word.startswith(("-", "./"))]
        return f"nothing installs {missing} in a test" if missing else None

    def cmake(self, _, words):
        for option, preset in zip(words, words[1:]):
            if option == "--preset" and preset not in self.presets and preset.islower():
                return f"there is no preset {preset}"
        return None

    def curl(self, program, words):
        if not any("://" in word for word in words):
            return None  # of the program, not to be pasted
        if any(re.search(r"\b[A-Z]{3,}\b|…", word) and not word in METHODS for word in words):
            return None  # names things that the reader puts in
        status, said = self.world.run(shlex.join([program, "-fsS", "--max-time", "20", *words]))
        return f"exit status {status}: {said}" if status != 0 else None

    def script(self, name, words, settings):
        file = texts.TOP / name
        if not file.is_file() or not file.stat().st_mode & 0o100:
            return f"there is no program {name}"
        text = file.read_text(encoding="utf-8")
        for wanted in [*settings, *(word for word in words if word.startswith("--") or word.islower())]:
            if wanted not in text:
                return f"{name} knows no {wanted}"
        return None

    def route(self, method, path, body=None):
        """Whether rouse has it: any answer is one, but that there is nothing."""
        path = re.sub(r"\[.*?\]|[…,]", "", path)
        for word, value in PLACEHOLDERS.items():
            path = path.replace(word, value)
        if body is None:
            body = next((text for end, text in BODIES.items() if path.endswith(end)), CHAT)
        url = next((url for end, url in OTHERS.items() if path == end), URL)
        token = "-H 'authorization: Bearer secret' " if url != URL else ""
        send = f"-H 'content-type: application/json' -d '{body}'" if method in ("POST", "PUT") else ""
        # Streams of events do not end by themselves: 28 is their time being over.
        status, said = self.world.run(f"curl -sS -m 3 -X {method} {token}{send} -w '\\n%{{http_code}}' {url}{path}")
        if status not in (0, 28):
            return f"exit status {status}: {said}"
        code = int(said.rsplit("\n", 1)[-1] or 0)
        # The log tells of such paths, too: in a 404 only it is about this one.
        is_nothing = code == 404 and "there is nothing at" in said
        if is_nothing or code in (400, 401, 405) or (code >= 500 and code != 503):
            return f"{method} {path}: {said}"
        return None
