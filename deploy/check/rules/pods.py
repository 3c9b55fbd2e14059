"""Rules for every pod: what it runs, with which rights, and how it comes and goes."""

import re
from collections.abc import Iterator
from typing import Any

from deploy.check.documents import (
    Doc,
    at,
    containers,
    env_of,
    every_container,
    find,
    name,
    of_kind,
    pods,
    template,
    title,
)
from deploy.check.world import World

Findings = Iterator[tuple[str, str]]

PINNED = re.compile(r"[^@\s]+:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})@sha256:[0-9a-f]{64}")
TALKS_TO_THE_CLUSTER = ("make-secrets",)  # its only work is to create Secrets
VOLUMES = ("configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret")
METRICS_PORT = 9100
LOWEST_USER = 10000  # below are those of the node and of images
LOW_USERS = {"database": 999}  # what the PostgreSQL image calls postgres, and owns its data


def images_are_pinned(docs: list[Doc]) -> Findings:
    """A tag can be moved; a digest is the image."""
    for where, container, _ in every_container(docs):
        image = str(container.get("image", ""))
        found = PINNED.fullmatch(image)
        if found is None:
            yield where, f"the image {image!r} has no digest: pin it as name:tag@sha256:…"
        elif found["tag"] == "latest":
            yield where, f"the image {image!r} is tagged latest: name the version that people should read"


def database_image_is_named(docs: list[Doc]) -> Findings:
    """The operator's image follows its own releases; a bare major version would move by itself."""
    for doc in of_kind(docs, "Cluster"):
        image = str(at(doc, "spec", "imageName", default=""))
        if not PINNED.fullmatch(image) and not re.fullmatch(r"[^@\s]+:[0-9]+\.[0-9]+[A-Za-z0-9_.-]*", image):
            yield title(doc), f"the image {image!r} moves by itself: name a minor version or a digest"


def pods_are_restricted(docs: list[Doc]) -> Findings:
    """What the Pod Security standard `restricted` asks, and a root file system that cannot be written."""
    for doc, spec in pods(docs):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(key):
                yield title(doc), f"{key} opens the node: remove it"
        for volume in spec.get("volumes", ()):
            if not set(volume) - {"name"} <= set(VOLUMES):
                yield title(doc), f"the volume {volume['name']} is of a kind that restricted pods may not have"
        for container in containers(spec):
            where = f"{title(doc)}, container {container.get('name')}"
            lowest = LOW_USERS.get(name(doc), LOWEST_USER)
            for problem in unrestricted(spec.get("securityContext", {}), container, lowest):
                yield where, problem


def unrestricted(pod: Doc, container: Doc, lowest: int) -> Iterator[str]:
    """What a container may do that it should not; it inherits some of its pod."""
    own = container.get("securityContext", {})
    both = {**pod, **own}
    if both.get("runAsNonRoot") is not True:
        yield "may run as root: set runAsNonRoot: true"
    if not isinstance(both.get("runAsUser"), int) or both["runAsUser"] < lowest:
        yield f"has no user of its own: set runAsUser to a number from {lowest} on"
    if at(both, "seccompProfile", "type") != "RuntimeDefault":
        yield "has no seccomp profile: set seccompProfile.type: RuntimeDefault"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain rights: set allowPrivilegeEscalation: false"
    if own.get("privileged"):
        yield "is privileged: remove that"
    if at(own, "capabilities", "drop") != ["ALL"] or at(own, "capabilities", "add"):
        yield "keeps capabilities: drop ALL and add none"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "can write its own files: set readOnlyRootFilesystem: true"


def pods_have_resources(docs: list[Doc]) -> Findings:
    """Without requests a pod is placed blindly; without a memory limit one pod can take the node with it."""
    for where, container, _ in every_container(docs):
        for path in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if at(container, "resources", *path) is None:
                yield where, f"resources.{'.'.join(path)} is not set"


def no_token_is_mounted(docs: list[Doc]) -> Findings:
    """A pod that does not talk to the cluster has no business with a token for it."""
    for doc, spec in pods(docs):
        if name(doc) not in TALKS_TO_THE_CLUSTER and spec.get("automountServiceAccountToken") is not False:
            yield title(doc), "gets a token for the cluster: set automountServiceAccountToken: false"
        if spec.get("serviceAccountName", "default") == "default":
            yield title(doc), "runs as the namespace's default account: give it one of its own"
    for account in of_kind(docs, "ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield title(account), "hands its token to whoever uses it: set automountServiceAccountToken: false"


def rollouts_lose_nothing(docs: list[Doc]) -> Findings:
    """An old pod goes only when a new one serves, and not before proxies stopped sending it requests."""
    for doc in of_kind(docs, "Deployment"):
        strategy = at(doc, "spec", "strategy", default={})
        if strategy != {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}:
            yield title(doc), "rolls out with a gap: use RollingUpdate with maxUnavailable 0 and maxSurge 1"
        if not at(doc, "spec", "progressDeadlineSeconds"):
            yield title(doc), "a release that never becomes ready is waited for: set progressDeadlineSeconds"
        for container in at(template(doc), "spec", "containers", default=()):
            if pre_stop(container) <= 0:
                where = f"{title(doc)}, container {container['name']}"
                yield where, "is stopped while requests still arrive: set lifecycle.preStop.sleep"


def pre_stop(container: Doc) -> int:
    """The seconds that a container goes on serving after it was told to end."""
    return int(at(container, "lifecycle", "preStop", "sleep", "seconds", default=0))


def grace_is_long_enough(world: World) -> Iterator[tuple[str, str, str]]:
    """What the node waits for: the preStop pause, the requests in flight, and some air."""
    for render, docs in world.renders.items():
        for doc in of_kind(docs, "Deployment"):
            spec = at(template(doc), "spec", default={})
            pause = max((pre_stop(container) for container in containers(spec)), default=0)
            needed = pause + world.graceful_timeout + 5
            given = spec.get("terminationGracePeriodSeconds", 30)
            if given < needed:
                parts = f"preStop {pause} + gunicorn's graceful_timeout {world.graceful_timeout} + 5"
                yield render, title(doc), f"terminationGracePeriodSeconds is {given}, needed are {needed}: {parts}"


def probes_ask_the_right_thing(docs: list[Doc]) -> Findings:
    """Only readiness may depend on the database: a liveness probe that does restarts every pod at once."""
    for where, container, doc in every_container(docs):
        if doc["kind"] not in ("Deployment", "StatefulSet"):
            continue
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if not container.get(probe):
                yield where, f"has no {probe}"
            elif "httpGet" in container[probe]:
                for problem in wrong_probe(probe, container):
                    yield where, problem


def wrong_probe(probe: str, container: Doc) -> Iterator[str]:
    """What is wrong with one HTTP probe."""
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports", ())}
    asked: Any = container[probe]["httpGet"]
    if ports.get(asked["port"], asked["port"]) != METRICS_PORT:
        yield f"{probe} asks port {asked['port']}: probes are answered on {METRICS_PORT}"
    wanted = "/health/ready" if probe == "readinessProbe" else "/health"
    if asked.get("path") != wanted:
        yield f"{probe} asks {asked.get('path')}: it must ask {wanted}"


def replicas_have_one_master(docs: list[Doc]) -> Findings:
    """Where an autoscaler counts the pods, a number in Git would fight it at each sync."""
    for scaler in of_kind(docs, "HorizontalPodAutoscaler"):
        target = at(scaler, "spec", "scaleTargetRef", default={})
        scaled = find(docs, str(target.get("kind")), str(target.get("name")))
        if scaled is None:
            yield title(scaler), f"scales {target.get('kind')}/{target.get('name')}, which is not there"
        elif "replicas" in scaled["spec"]:
            yield title(scaled), f"names replicas, which {title(scaler)} decides: leave it out"


def pods_know_their_image(docs: list[Doc]) -> Findings:
    """`/version` answers what APP_IMAGE says, and a release is verified by that."""
    for where, container, doc in every_container(docs):
        told = env_of(container).get("APP_IMAGE")
        if told is not None and told != container.get("image"):
            yield where, f"APP_IMAGE is {told} and the image {container.get('image')}: copy it with a replacement"
        if told is None and title(doc) == "Deployment/web":
            yield where, "has no APP_IMAGE: /version could not say which image runs"
