"""Rules across environments: what staging proved must be what prod gets, and the database must bear it."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from deploy.check.documents import Doc, at, environment, find, name, of_kind, pods, references, title
from deploy.check.world import World

Findings = Iterator[tuple[str, str, str]]

GENERATED = re.compile(r"-[2456789bcdfghkmt]{10}$")  # what kustomize adds to the name of a ConfigMap it made
# Where staging and prod may differ; each is a document and a path in it.
MAY_DIFFER = (
    r"[^:]+: metadata\.namespace",
    r"[^:]+: .*(\.image|APP_IMAGE\.value)",
    r"ConfigMap/web-env: data\.(ALLOWED_HOSTS|CSRF_TRUSTED_ORIGINS)",
    r"Ingress/web: spec\.(rules\[0\]\.host|tls\[0\]\.hosts\[0\])",
    r"ExternalSecret/[^:]+: spec\.data\[\d+\]\.remoteRef\.key",
    r"ObjectStore/database: spec\.configuration\.destinationPath",
    r"Cluster/database: spec\.(instances|storage\.size|resources\..*)",
    r"Deployment/web: spec\.(replicas|template\.spec\.containers\.web\.resources\..*)",
    r"HorizontalPodAutoscaler/web: .*",
)
ALLOWED = re.compile("|".join(f"(?:{pattern})" for pattern in MAY_DIFFER))
RESERVED = 10  # the superuser's own, the operator's, and somebody with a psql
POOL = 8  # the size of a process's pool where FT_POOL_SIZE is not set


def environments_differ_little(world: World) -> Findings:
    """Where the environments differ, staging proves nothing for prod."""
    names = sorted(world.environments)
    for first, second in pairwise(names):
        one, other = flat(world.environments[first]), flat(world.environments[second])
        for path in sorted(one.keys() | other.keys()):
            if one.get(path) != other.get(path) and not ALLOWED.fullmatch(path):
                where, _, key = path.partition(": ")
                said = f"{key} is {shown(one.get(path))} there and {shown(other.get(path))} in {second}"
                yield first, where, f"{said}: move it into the base, or allow it in MAY_DIFFER"


def shown(value: Any) -> str:
    """A value for a sentence."""
    return "absent" if value is None else repr(value)[:60]


def flat(docs: list[Doc]) -> dict[str, Any]:
    """Every value of a render by document and path; generated names without their hash."""
    found: dict[str, Any] = {}
    for doc in docs:
        flatten(f"{GENERATED.sub('', title(doc))}:", doc, found)
    return found


def flatten(path: str, value: Any, found: dict[str, Any]) -> None:
    """Notes every leaf below a value; named members of a list go by their names."""
    if isinstance(value, dict):
        for key, part in value.items():
            flatten(f"{path}{' ' if path.endswith(':') else '.'}{key}", part, found)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            by_name = isinstance(part, dict) and "name" in part
            flatten(f"{path}.{part['name']}" if by_name else f"{path}[{number}]", part, found)
    else:
        found[path] = GENERATED.sub("", value) if isinstance(value, str) else value


def connections_suffice(world: World) -> Findings:
    """While a release rolls out there is one pod more, and each process of each pod fills its pool."""
    for render, docs in world.renders.items():
        web, database = find(docs, "Deployment", "web"), max_connections(docs)
        if web is None or database is None:
            yield render, "Deployment/web", "nothing here says max_connections of the database: set it"
            continue
        pooler = next(iter(of_kind(docs, "Pooler")), None)
        asked = from_web(docs, web)
        if pooler is not None:
            room = int(at(pooler, "spec", "pgbouncer", "parameters", "max_client_conn", default=100))
            if asked > room:
                yield render, title(pooler), f"lets {room} connections in, and the web may open {asked}"
            asked = at(pooler, "spec", "instances", default=1) * int(
                at(pooler, "spec", "pgbouncer", "parameters", "default_pool_size", default=20)
            )
        total = asked + len(jobs(docs)) + RESERVED
        if total > database:
            parts = f"{asked} for the web, {len(jobs(docs))} for jobs, {RESERVED} kept free"
            said = f"may need {total} connections ({parts}), and the database has {database}"
            yield render, title(web), f"{said}: lower replicas, WEB_CONCURRENCY or FT_POOL_SIZE"


def from_web(docs: list[Doc], web: Doc) -> int:
    """The most connections that the web's pods open at a time."""
    scaled = [at(doc, "spec", "maxReplicas", default=1) for doc in of_kind(docs, "HorizontalPodAutoscaler")]
    replicas = max([at(web, "spec", "replicas", default=1), *scaled])
    surge = at(web, "spec", "strategy", "rollingUpdate", "maxSurge", default=1)
    seen = environment(docs, at(web, "spec", "template", "spec", "containers", 0, default={}))
    return (
        int(replicas + surge) * int(seen.get("WEB_CONCURRENCY", 1)) * max(int(seen.get("FT_POOL_SIZE", POOL)), 1)
    )


def jobs(docs: list[Doc]) -> list[str]:
    """The Jobs and CronJobs that log in to the database: one connection each."""
    return [
        name(doc)
        for doc, spec in pods(docs)
        if doc["kind"] in ("Job", "CronJob")
        and any(kind == "Secret" and secret.startswith("database-") for kind, secret in references(spec))
    ]


def max_connections(docs: list[Doc]) -> int | None:
    """The connections that the database allows; None if the render does not say."""
    for cluster in of_kind(docs, "Cluster"):
        found = at(cluster, "spec", "postgresql", "parameters", "max_connections")
        return int(found) if found else None
    for doc in of_kind(docs, "ConfigMap"):
        for text in (doc.get("data") or {}).values():
            number = re.search(r"max_connections=([0-9]+)", str(text))
            if number:
                return int(number[1])
    return None


def components_are_rendered(world: World) -> Findings:
    """A component that nothing renders is checked by nobody."""
    for component, users in world.components.items():
        if not users:
            yield "components", component, "is in no overlay: add it to one in deploy/check/tryouts"
