"""How each block of our documents is run: BLOCKS. They are met in the order of the documents, and the
README's build on one another, as for its reader: a configuration is written, served, and asked."""
import json
import re

import texts
from commands import Judge


class Broken(Exception):
    """The machine of the test itself does not work."""


class Machine:
    """A machine after the installation of both packages, with files for models; and how blocks run on it."""

    def __init__(self, world):
        self.world = world

    def prepare(self):
        world = self.world
        for name in ("config.yaml", "suspendd.yaml"):
            world.write(f"/etc/rouse/{name}", texts.read(f"systemd/etc/{name}"))
        for name in ("coder", "planner", "embed", "huge"):
            world.write(f"/models/{name}.gguf", "GGUF")
            world.write(f"/srv/models/{name}.gguf", "GGUF")
        bus = "unix:path=/run/dbus/system_bus_socket"
        self.must(world.start(f"dbus-daemon --session --nofork --nopidfile --print-address=1 --address={bus}", "unix:"))
        # Its control socket is there when logind is.
        self.must(world.start(f"sh -c 'echo ready; exec {world.build}/fake_logind {bus} /run/logind.control'", "ready"))
        self.must(self.wait("test -S /run/logind.control"))

    @staticmethod
    def must(fault):
        if fault:
            raise Broken(fault)

    def wait(self, command):
        """Until the command succeeds; a fault, or None."""
        status, said = self.world.run(f"for i in $(seq 300); do {command} && exit 0; sleep 0.1; done; exit 1")
        return f"`{command}` never came true: {said}" if status != 0 else None

    def check(self, program, text, name):
        """Faults of a configuration that a document shows."""
        self.world.write(f"/root/{name}", text)
        status, said = self.world.run(f"{program} {name}")
        if "--json" in program:  # what is wrong with the machine is not of the file
            problems = json.loads(said)["problems"]  # warnings, too
            return [f"`{program}`: {problems}"] if problems else []
        # A warning has its place in the file.
        if status != 0 or re.search(rf"(?m)^{re.escape(name)}:\d+:\d+: ", said):
            return [f"`{program}`: exit status {status}\n{said}"]
        return []


def elsewhere(test):
    """Run by TEST, which takes the block from the document as well."""
    def how(_, block):
        text = texts.read(test) if (texts.TOP / test).is_file() else ""
        wanted = f'{block.document} "{block.heading}"'
        if wanted not in text:
            return [f"{test} is said to run it, but does not say {wanted}"]
        return []
    return how


def picture(_, block):
    """Nothing to paste."""
    return [f"this is a command: {line}" for line in block.commands()
            if re.match(r"(?:sudo |\$ )?(?:rouse|rouse-suspendd|scripts/|curl|apt|cmake|systemctl)\b", line)]


def known(machine, block):
    """Commands that would build the tree, or take minutes and gigabytes: that there are such scripts, options,
    presets and targets is all that is seen here."""
    for line in block.commands():
        fault = Judge(machine.world).judge(line)
        target = re.search(r"--target (\S+)", line)
        script = re.match(r"node (\S+)(.*)", line)
        if target and not re.search(rf"(?m)^build {target.group(1)}[ :]", (machine.world.build / "build.ninja").read_text()):
            fault = f"there is no target {target.group(1)}"
        elif script and not (texts.TOP / script.group(1)).is_file():
            fault = f"there is no {script.group(1)}"
        elif script:
            lacks = [each for each in re.findall(r"--([a-z]+)", script.group(2))
                     if each not in texts.read(script.group(1))]
            fault = f"{script.group(1)} knows no {lacks}" if lacks else None
        elif line.startswith("build/dev/"):
            fault = gtest_names(machine, line)
        elif line.startswith("ctest"):
            # Read, not asked: a ctest within ctest writes over its record.
            names = re.findall(r"add_test\((?:\[=*\[)?([^\]\s\"]+)",
                               (machine.world.build / "tests/CTestTestfile.cmake").read_text(encoding="utf-8"))
            wanted = re.search(r"-R (\S+)", line)
            if not any(re.search(wanted.group(1), name) for name in names):
                fault = f"no test is called so, but {names}"
        if fault:
            yield f"`{line}`: {fault}"


def gtest_names(machine, line):
    """Whether some test has that name, where the test program has been built."""
    program = line.split()[0].rsplit("/", maxsplit=1)[-1]
    if not (texts.TOP / "tests" / program.removesuffix("_tests")).is_dir():
        return f"there is no test program {program}"
    if not (machine.world.build / program).exists():
        return None
    status, said = machine.world.run(f"{machine.world.build}/{line.removeprefix('build/dev/')} --gtest_list_tests")
    return None if status == 0 and "  " in said else f"no test is called so: {said}"


def configuration(machine, block):
    return machine.check("rouse check", block.text, "config.yaml")


# The faults that the README lets `rouse check` find.
FAULTY = """models:
  coder: {cmd: "llama-serve --port ${PORT} -m /models/coder.gguf"}
  embed: {cmd: "llama-server --port ${PORT} -m /models/embed.gguf > log"}
  planner: {cmd: "llama-server --port ${PORT} -m $HOME/planner.gguf"}
"""


def findings(machine, block):
    """What is shown is what is said; `…` stands for a rest."""
    machine.world.write("/root/faulty.yaml", FAULTY)
    status, said = machine.world.run("PATH=/usr/local/bin:/usr/bin:/bin rouse check faulty.yaml")
    if status != 1:
        yield f"`rouse check faulty.yaml` ended with {status}"
    missing = []
    for line in block.text.splitlines():
        shown, more, _ = line.partition("…")
        if not any(each.startswith(shown) if more else each == line for each in said.splitlines()):
            missing.append(line)
    if missing:
        yield "it does not say\n" + "\n".join(missing) + f"\nbut\n{said}"


def example(machine, program, text, name):
    """Faults of a file whose programs and cards no machine has."""
    if program == "rouse check":
        program = "rouse check --no-findings"
    return machine.check(program, text, name)


def serve_it(machine, block):
    """check, serve and status of the configuration above: `rouse serve` goes on, for what comes after."""
    for line in block.commands():
        if line.startswith("rouse serve"):
            fault = machine.world.start(line, "listening on")
        else:
            status, said = machine.world.run(line)
            fault = f"`{line}` ended with {status}:\n{said}" if status != 0 else None
        if fault:
            yield fault
    chat = "curl -fsS http://127.0.0.1:8080/v1/chat/completions -d " \
           "'{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}'"
    status, said = machine.world.run(chat)
    if status != 0:
        yield f"the configuration is served, but its alias does not answer: {said}"


SLEEPING_BOX = """import socket, subprocess, sys
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("0.0.0.0", 9))
print("asleep", flush=True)
mac = bytes.fromhex("3c7c3f123456")
while mac * 16 not in heard.recv(2000):
    pass
print("woken", flush=True)
sys.exit(subprocess.call(["rouse", "serve", "/root/box.yaml", "--listen", "192.168.1.20:8080"]))
"""


def wake_it(machine, block):
    """A box at the README's address that starts when a magic packet with the README's MAC has come."""
    world = machine.world
    for words in ("link add lan type veth peer name cable", "addr add 192.168.1.20/24 brd 192.168.1.255 dev lan",
                  "link set lan up", "link set cable up"):
        status, said = world.run(f"ip {words}")
        machine.must(f"ip {words}: {said}" if status != 0 else None)
    peers = next(each.text for each in texts.blocks("README.md") if each.heading == "Models of other machines")
    world.write("/root/config.yaml", peers)
    world.write("/etc/rouse/config.yaml", peers)
    world.write("/root/box.yaml", "models:\n  huge:\n    cmd: llama-server --port ${PORT} -m /models/huge.gguf\n")
    world.write("/root/box.py", SLEEPING_BOX)
    machine.must(world.start("python3 /root/box.py", "asleep"))
    for line in block.commands():
        status, said = world.run(line)
        # It is awake by then: that there is nothing to test is the answer.
        wanted = (2,) if "--test" in line else (0,)
        if status not in wanted:
            yield f"`{line}` ended with {status}, not {wanted}:\n{said}"


def daemon(machine, block):
    """What an operator asks a daemon that may not sleep yet, as after the installation."""
    world = machine.world
    fault = world.start("rouse-suspendd run --config /etc/rouse/suspendd.yaml", "") or \
        machine.wait("test -S /run/rouse/suspendd.sock")
    if fault:
        yield fault
        return
    statuses = {"rouse-suspendd check": (1, 2), "rouse-suspendd wake-test": (1,)}  # no card, no kernel of its own
    for line in block.commands():
        status, said = world.run(line, stdin="yes\n" if "wake-test" in line else None)
        if status not in statuses.get(line, (0,)) or not said.strip():
            yield f"`{line}` ended with {status}:\n{said}"
    status, said = world.run("rouse-suspendd release")
    if status != 0:
        yield f"`rouse-suspendd release` ended with {status}:\n{said}"
    yield from new_key(machine)
    # For what sentences name: its route is judged with the others.
    world.write("/root/relay.yaml", "relay: {token: secret, listen: '127.0.0.1:9009', broadcast: [192.168.1.255]}\n")
    fault = world.start("rouse-suspendd relay --config /root/relay.yaml", "9009")
    if fault:
        yield fault


def new_key(machine):
    """What `rouse key` prints goes into a configuration as it stands, and lets its key in, nobody else."""
    world = machine.world
    _, said = world.run("rouse key reader")
    key = re.search(r"^ +(sk-\S+)$", said, re.M)
    entry = said.find("keys:")
    if not key or entry < 0:
        yield f"`rouse key reader` prints no key, or no entry for the configuration:\n{said}"
        return
    world.write("/root/keys.yaml", said[entry:] + "models: {one: {cmd: 'llama-server --port ${PORT}'}}\n")
    fault = world.start("rouse serve keys.yaml --listen 127.0.0.1:8090 --power-socket /run/other.sock", "listening on")
    if fault:
        yield fault
        return
    ask = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8090/v1/models"
    with_key = world.run(f"{ask} -H 'authorization: Bearer {key.group(1)}'")
    without = world.run(ask)
    if with_key != (0, "200") or without != (0, "401"):
        yield f"the key that `rouse key` made lets in with {with_key}, and without it {without}"
    _, summed = world.run(f"printf %s {key.group(1)} | sha256sum")
    if summed.split()[0] not in said:
        yield f"sha256sum says {summed}, not what `rouse key` does: {said}"


BLOCKS = {
    ("ARCHITECTURE.md", "The life of a request", ""): picture,
    ("CONTRIBUTING.md", "Build and test", "sh"): known,
    ("CONTRIBUTING.md", "While you work", "sh"): known,
    ("tests/clients/README.md", "The command-line agents", "sh"): known,
    ("README.md", "Start", "sh"): elsewhere("tests/root/first_hour.sh"),
    ("README.md", "Install as a service", "sh"): elsewhere("tests/root/packages_in_root.sh"),
    ("README.md", "A configuration", "yaml"): configuration,
    ("README.md", "A configuration", "sh"): serve_it,
    ("README.md", "A configuration", ""): findings,
    ("README.md", "Waking a machine", "sh"): wake_it,
    ("README.md", "Models of other machines", "yaml"): configuration,
    ("docs/clients.md", "A gateway in front", "yaml"): configuration,
    ("README.md", "rouse-suspendd", "sh"): daemon,
}


def uncommented(text):
    return re.sub(r"(?m)^# ?", "", text)


def check_examples(faults, machine):
    """The examples as a whole, and the YAML in their comments."""
    for path, program in (("config.example.yaml", "rouse check"), ("systemd/etc/config.yaml", "rouse check"),
                          ("suspendd.example.yaml", "rouse-suspendd check --json --config"),
                          ("systemd/etc/suspendd.yaml", "rouse-suspendd check --json --config")):
        faults.count("examples")
        for fault in example(machine, program, texts.read(path), path.rsplit("/", maxsplit=1)[-1]):
            faults.add(path, fault)
        for shown in re.findall(r"(?m)(?:^# *[a-z]+:(?: .*)?\n(?:^#   .*\n|^#\n(?=^# [a-z]+:))+)+", texts.read(path)):
            faults.count("examples in comments")
            whole = uncommented(shown)
            if "models:" not in whole and program == "rouse check":
                whole += "models: {" + ", ".join(f"{name}: {{cmd: 'llama-server --port ${{PORT}}'}}"
                                                 for name in ("coder", "planner", "embed")) + "}\n"
            for fault in example(machine, program, whole, "example.yaml"):
                faults.add(path, f"what its comment shows: {fault}\n{shown}")
