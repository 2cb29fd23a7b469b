#!/usr/bin/env python3
"""Holds deploy/kubernetes to itself and to rouse: tests/kubernetes_test.py ROUSE

Checks that the manifests parse and fit together, that the pod needs no privilege, that rouse takes
the arguments and the configuration, and that it answers the probes. Without python3-yaml it is left
out: exit status 77, but 1 where CI=true.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import left_out

try:
    import yaml
except ImportError:
    print("kubernetes: left out, since there is no python3-yaml")
    sys.exit(left_out.status("python3-yaml"))

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "deploy/kubernetes"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
KINDS = ["NetworkAttachmentDefinition", "ServiceAccount", "Deployment", "Service", "PodDisruptionBudget"]


def load(faults):
    """The objects that the kustomization names, by kind."""
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    objects = []
    for name in kustomization["resources"]:
        objects += yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
    if [each["kind"] for each in objects] != KINDS:
        faults.append(f"the objects are {[each['kind'] for each in objects]}")
    for each in objects:
        if not each.get("apiVersion") or not each["metadata"].get("name"):
            faults.append(f"{each['kind']}: no apiVersion or no name")
    generator, = kustomization["configMapGenerator"]
    if generator["files"] != ["config.yaml"]:
        faults.append("the ConfigMap does not hold config.yaml")
    return {each["kind"]: each for each in objects}, generator["name"]


def check_pod(faults, objects, config_map):
    """That it fits the others, and the Pod Security Standard "restricted"."""
    deployment = objects["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    container, = pod["containers"]
    security = {**pod["securityContext"], **container["securityContext"]}
    wanted = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"},
              "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
              "capabilities": {"drop": ["ALL"]}}
    for key, value in wanted.items():
        if security.get(key) != value:
            faults.append(f"the pod is not restricted: {key} is {security.get(key)}")
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            faults.append(f"the pod is not restricted: {key}")
    labels = deployment["template"]["metadata"]["labels"]
    selectors = {"Deployment": deployment["selector"]["matchLabels"],
                 "Service": objects["Service"]["spec"]["selector"],
                 "PodDisruptionBudget": objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]}
    for kind, selector in selectors.items():
        if not selector.items() <= labels.items():
            faults.append(f"{kind} selects {selector}, the pod has {labels}")
    ports = {port["name"] for port in container["ports"]}
    for port in objects["Service"]["spec"]["ports"]:
        if port["targetPort"] not in ports:
            faults.append(f"Service: there is no port {port['targetPort']}")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        if mount["name"] not in volumes or "subPath" in mount:
            faults.append(f"volumeMounts: {mount}")
    if volumes["config"]["configMap"]["name"] != config_map:
        faults.append("the pod mounts another ConfigMap than the kustomization makes")
    if pod["serviceAccountName"] != objects["ServiceAccount"]["metadata"]["name"]:
        faults.append("there is no such ServiceAccount")
    return container


def check_network(faults, objects, wake):
    """The card of multus.yaml is the one from which config.yaml sends."""
    card = objects["NetworkAttachmentDefinition"]
    annotations = objects["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    network = annotations["k8s.v1.cni.cncf.io/networks"]
    if network != f"{card['metadata']['name']}@{wake['interface']}":
        faults.append(f"the pod's network is {network}, packets leave by {wake['interface']}")
    address = json.loads(card["spec"]["config"])["ipam"]["addresses"][0]["address"]
    if address.split("/")[0] != wake["source"]:
        faults.append(f"packets come from {wake['source']}, the card has {address}")


def check_probes(faults, rouse, container, environment, folder):
    """Starts ROUSE with the pod's arguments and asks what the kubelet would."""
    replaced = {"--config": FOLDER / "config.yaml", "--listen": "127.0.0.1:0", "--state-dir": folder}
    arguments = []
    for argument in container["args"]:
        name = argument.split("=")[0]
        arguments.append(f"{name}={replaced.pop(name)}" if name in replaced else argument)
    if replaced:
        faults.append(f"the pod's arguments lack {list(replaced)}")
    with subprocess.Popen([rouse, *arguments], stderr=subprocess.PIPE, text=True, env=environment) as child:
        try:
            address = None
            for line in child.stderr:
                found = re.search(r"listening on (http://\S+)", line)
                if found:
                    address = found.group(1)
                    break
            if not address:
                faults.append(f"rouse {' '.join(map(str, arguments))} does not listen")
                return
            for name in PROBES:
                probe = container[name]["httpGet"]
                if probe["port"] not in {port["name"] for port in container["ports"]}:
                    faults.append(f"{name}: there is no port {probe['port']}")
                try:
                    with urllib.request.urlopen(address + probe["path"], timeout=10) as answer:
                        status = answer.status
                except urllib.error.HTTPError as error:
                    status = error.code
                if status != 200:
                    faults.append(f"{name}: {probe['path']} answers {status}")
        finally:
            child.terminate()
            child.communicate(timeout=30)


def main():
    rouse = sys.argv[1]
    faults = []
    objects, config_map = load(faults)
    container = check_pod(faults, objects, config_map)
    text = (FOLDER / "config.yaml").read_text(encoding="utf-8")
    check_network(faults, objects, yaml.safe_load(text)["peers"]["box"]["wake"])
    environment = dict(os.environ)
    for name in re.findall(r"\$\{env\.(\w+)\}", text):
        environment[name] = "0" * 64
    with tempfile.TemporaryDirectory() as folder:
        checked = subprocess.run([rouse, "check", "--strict", FOLDER / "config.yaml"], env=environment,
                                 capture_output=True, text=True, check=False, timeout=60)
        if checked.returncode != 0:
            faults.append(f"rouse check: {checked.stdout}{checked.stderr}")
        check_probes(faults, rouse, container, environment, folder)
    print("\n".join(faults))
    print(f"kubernetes: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
