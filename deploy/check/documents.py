"""Reading rendered manifests: what a document is called, the pods it makes, and what those refer to."""

from collections.abc import Iterable, Iterator
from typing import Any

Doc = dict[str, Any]

WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")
WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
DELETE_POLICY = "argocd.argoproj.io/hook-delete-policy"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"


def title(doc: Doc) -> str:
    """How a person finds a document: `Deployment/web`."""
    return f"{doc.get('kind')}/{doc.get('metadata', {}).get('name')}"


def name(doc: Doc) -> str:
    """A document's own name."""
    return str(doc["metadata"]["name"])


def of_kind(docs: Iterable[Doc], *kinds: str) -> list[Doc]:
    """The documents of some kinds, in their order."""
    return [doc for doc in docs if doc["kind"] in kinds]


def find(docs: Iterable[Doc], kind: str, wanted: str) -> Doc | None:
    """The one document of a kind and a name, if it is there."""
    return next((doc for doc in docs if doc["kind"] == kind and name(doc) == wanted), None)


def at(doc: Any, *path: str | int, default: Any = None) -> Any:
    """What stands at a path of keys, or the default where the path ends early."""
    for key in path:
        try:
            doc = doc[key]
        except (KeyError, IndexError, TypeError):
            return default
    return doc


def annotation(doc: Doc, key: str) -> str:
    """An annotation's text; empty without one."""
    return str(at(doc, "metadata", "annotations", key, default=""))


def wave(doc: Doc) -> int:
    """The wave in which Argo CD applies a document."""
    return int(annotation(doc, WAVE) or 0)


def is_hook(doc: Doc, *kinds: str) -> bool:
    """Whether Argo CD runs a document as a hook, of some kind if any is given."""
    hook = annotation(doc, HOOK)
    return bool(hook) and (not kinds or hook in kinds)


def template(doc: Doc) -> Doc:
    """The pod that a workload makes: metadata and spec."""
    path: tuple[str, ...] = ("spec", "template")
    if doc["kind"] == "CronJob":
        path = ("spec", "jobTemplate", "spec", "template")
    found: Doc = at(doc, *path, default={})
    return found


def pods(docs: Iterable[Doc]) -> Iterator[tuple[Doc, Doc]]:
    """Each workload with the spec of its pod."""
    for doc in of_kind(docs, *WORKLOADS):
        yield doc, at(template(doc), "spec", default={})


def containers(spec: Doc) -> list[Doc]:
    """The containers of a pod, those that prepare it first."""
    return [*spec.get("initContainers", ()), *spec.get("containers", ())]


def every_container(docs: Iterable[Doc]) -> Iterator[tuple[str, Doc, Doc]]:
    """Each container with the place where a person finds it and the workload it belongs to."""
    for doc, spec in pods(docs):
        for container in containers(spec):
            yield f"{title(doc)}, container {container.get('name')}", container, doc


def env_of(container: Doc) -> dict[str, str]:
    """The variables that a container is given as plain values."""
    return {str(pair["name"]): str(pair.get("value", "")) for pair in container.get("env", ())}


def environment(docs: list[Doc], container: Doc) -> dict[str, str]:
    """All variables that a container sees: those of its ConfigMaps first, then its own."""
    seen: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        config = find(docs, "ConfigMap", at(source, "configMapRef", "name", default=""))
        seen.update(at(config, "data", default={}))
    return {**seen, **env_of(container)}


def references(spec: Doc) -> Iterator[tuple[str, str]]:
    """Kind and name of all that a pod refers to."""
    if spec.get("serviceAccountName"):
        yield "ServiceAccount", spec["serviceAccountName"]
    for secret in spec.get("imagePullSecrets", ()):
        yield "Secret", secret["name"]
    for volume in spec.get("volumes", ()):
        for source in (volume, *at(volume, "projected", "sources", default=())):
            yield from volume_reference(source)
    for container in containers(spec):
        for source in container.get("envFrom", ()):
            yield from named(source, "configMapRef", "ConfigMap")
            yield from named(source, "secretRef", "Secret")
        for pair in container.get("env", ()):
            yield from named(pair.get("valueFrom", {}), "configMapKeyRef", "ConfigMap")
            yield from named(pair.get("valueFrom", {}), "secretKeyRef", "Secret")


def volume_reference(source: Doc) -> Iterator[tuple[str, str]]:
    """Kind and name of what a volume, or a part of one, shows."""
    yield from named(source, "configMap", "ConfigMap")
    if at(source, "secret", "secretName"):
        yield "Secret", source["secret"]["secretName"]
    else:
        yield from named(source, "secret", "Secret")
    if at(source, "persistentVolumeClaim", "claimName"):
        yield "PersistentVolumeClaim", source["persistentVolumeClaim"]["claimName"]


def named(source: Doc, key: str, kind: str) -> Iterator[tuple[str, str]]:
    """A reference of the form `key: {name: …}`, if it is there."""
    if at(source, key, "name"):
        yield kind, source[key]["name"]


def selects(selector: Doc, labels: dict[str, str]) -> bool:
    """Whether a label selector takes a pod with these labels; an empty one takes every pod."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", ()):
        has, values = term["key"] in labels, term.get("values", ())
        taken = {
            "In": has and labels.get(term["key"]) in values,
            "NotIn": not has or labels[term["key"]] not in values,
            "Exists": has,
            "DoesNotExist": not has,
        }
        if not taken[term["operator"]]:
            return False
    return True


def pod_labels(docs: Iterable[Doc]) -> Iterator[tuple[Doc, dict[str, str]]]:
    """Each document that makes pods, with their labels; the database's operator makes some too."""
    for doc in docs:
        if doc["kind"] in WORKLOADS:
            yield doc, at(template(doc), "metadata", "labels", default={})
        elif doc["kind"] == "Cluster":
            yield doc, {"cnpg.io/cluster": name(doc)}
        elif doc["kind"] == "Pooler":
            yield doc, {"cnpg.io/poolerName": name(doc)}
