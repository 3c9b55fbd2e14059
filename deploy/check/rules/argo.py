"""Rules for Argo CD's objects: each environment is synced, kept and limited as we say."""

from collections.abc import Iterator
from pathlib import Path

from deploy.check.documents import SYNC_OPTIONS, Doc, annotation, at, find, name, of_kind, title
from deploy.check.world import OVERLAYS, World

Findings = Iterator[tuple[str, str, str]]

OPTIONS = ("CreateNamespace=true", "FailOnSharedResource=true", "PruneLast=true")
POD_SECURITY = [f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "audit", "warn")]
CLUSTER_WIDE = [{"group": "", "kind": "Namespace"}]
KEEPS_DATA = ("Cluster", "PersistentVolumeClaim", "StatefulSet")


def applications(world: World) -> Iterator[tuple[Doc, str, list[Doc]]]:
    """Each Application with the environment that it syncs and what that renders to."""
    for doc in of_kind(world.argocd, "Application"):
        path = Path(at(doc, "spec", "source", "path", default=""))
        if path.parent == OVERLAYS and path.name in world.environments:
            yield doc, path.name, world.environments[path.name]


def every_environment_is_synced(world: World) -> Findings:
    """One Application an environment: none forgotten, none twice, none that leads nowhere."""
    known = {name(doc) for doc, _, _ in applications(world)}
    for doc in of_kind(world.argocd, "Application"):
        if name(doc) not in known:
            yield "argocd", title(doc), f"syncs {at(doc, 'spec', 'source', 'path')}, which is no overlay"
    synced = [environment for _, environment, _ in applications(world)]
    for environment in world.environments:
        if synced.count(environment) != 1:
            yield environment, "Application", f"{synced.count(environment)} of them sync it: there must be one"


def syncs_are_automatic(world: World) -> Findings:
    """What Git says is what runs; a failed sync is tried again with the newest commit."""
    for doc, _, _ in applications(world):
        policy = at(doc, "spec", "syncPolicy", default={})
        automated = at(policy, "automated", default={})
        for key in ("prune", "selfHeal"):
            if automated.get(key) is not True:
                yield "argocd", title(doc), f"leaves drift alone: set syncPolicy.automated.{key}: true"
        if automated.get("allowEmpty"):
            yield "argocd", title(doc), "an empty render would remove everything: leave allowEmpty out"
        retry = at(policy, "retry", default={})
        if retry.get("refresh") is not True or not 0 < retry.get("limit", 0) <= 10:
            yield "argocd", title(doc), "a stuck sync holds back the rollback: set retry.refresh: true and a limit"
        for option in OPTIONS:
            if option not in policy.get("syncOptions", ()):
                yield "argocd", title(doc), f"syncOptions lacks {option}"
        labels = at(policy, "managedNamespaceMetadata", "labels", default={})
        for label in POD_SECURITY:
            if labels.get(label) != "restricted":
                yield "argocd", title(doc), f"the namespace would not carry {label}: restricted"


def autoscaled_numbers_are_left_alone(world: World) -> Findings:
    """Self-heal would put the number of pods back as often as the autoscaler changes it."""
    for doc, _, docs in applications(world):
        for scaler in of_kind(docs, "HorizontalPodAutoscaler"):
            target = scaler["spec"]["scaleTargetRef"]
            ignored = [
                part
                for part in at(doc, "spec", "ignoreDifferences", default=())
                if part.get("kind") == target["kind"] and part.get("name", target["name"]) == target["name"]
            ]
            options = at(doc, "spec", "syncPolicy", "syncOptions", default=())
            left = any("/spec/replicas" in part.get("jsonPointers", ()) for part in ignored)
            if not left or "RespectIgnoreDifferences=true" not in options:
                cure = f"ignore /spec/replicas of {target['kind']}/{target['name']}"
                said = f"fights {title(scaler)}: {cure} and set RespectIgnoreDifferences=true"
                yield "argocd", title(doc), said


def projects_are_narrow(world: World) -> Findings:
    """What the repository may do at most: one source, one namespace, named kinds."""
    for doc in of_kind(world.argocd, "AppProject"):
        spec = doc["spec"]
        kinds = spec.get("namespaceResourceWhitelist", [])
        texts = [*spec.get("sourceRepos", ()), *(at(place, "namespace") for place in spec.get("destinations", ()))]
        texts += [*(part["kind"] for part in kinds), *(part["group"] for part in kinds)]
        if any("*" in str(text) for text in texts):
            yield "argocd", title(doc), "allows by a pattern: name each source, namespace and kind"
        if len(spec.get("destinations", ())) != 1 or len(spec.get("sourceRepos", ())) != 1:
            yield "argocd", title(doc), "must allow exactly one source and one namespace"
        if spec.get("clusterResourceWhitelist", []) != CLUSTER_WIDE:
            yield "argocd", title(doc), "may change the cluster itself: allow the kind Namespace alone"
        if "Secret" in [part["kind"] for part in kinds]:
            yield "argocd", title(doc), "allows Secret: none comes from Git"


def applications_stay_inside(world: World) -> Findings:
    """An Application asks for nothing that its project refuses: it would only be found out on the cluster."""
    for doc, environment, docs in applications(world):
        project = find(world.argocd, "AppProject", at(doc, "spec", "project", default=""))
        if project is None:
            yield "argocd", title(doc), f"its project {at(doc, 'spec', 'project')} is not there"
            continue
        if at(doc, "spec", "source", "repoURL") not in project["spec"].get("sourceRepos", ()):
            yield "argocd", title(doc), f"its repository is not in sourceRepos of {title(project)}"
        place = {key: at(doc, "spec", "destination", key) for key in ("server", "namespace")}
        if place not in project["spec"].get("destinations", ()):
            yield "argocd", title(doc), f"its destination is not in {title(project)}"
        allowed = {(part["group"], part["kind"]) for part in project["spec"].get("namespaceResourceWhitelist", ())}
        for kind in sorted({group_and_kind(part) for part in docs} - allowed):
            yield environment, kind[1], f"{title(project)} refuses this kind: allow it there, or remove it"
        for part in docs:
            if at(part, "metadata", "namespace") != place["namespace"]:
                yield environment, title(part), f"is not in {place['namespace']}, where its Application works"


def group_and_kind(doc: Doc) -> tuple[str, str]:
    """A document's API group (empty for the core) and kind."""
    return str(doc["apiVersion"]).rpartition("/")[0], str(doc["kind"])


def data_survives_a_prune(docs: list[Doc]) -> Iterator[tuple[str, str]]:
    """A manifest that was removed by mistake must not take the books with it."""
    for doc in of_kind(docs, *KEEPS_DATA):
        options = annotation(doc, SYNC_OPTIONS).replace(" ", "").split(",")
        if not {"Prune=false", "Prune=confirm"} & set(options) or "Delete=false" not in options:
            yield title(doc), f"could be pruned: set {SYNC_OPTIONS} to Prune=confirm,Delete=false"
