"""Rules for who reaches whom, and for selectors, which fail silently when they are wrong."""

from collections.abc import Iterator

from deploy.check.documents import (
    Doc,
    at,
    containers,
    find,
    name,
    of_kind,
    pod_labels,
    pods,
    selects,
    template,
    title,
)
from deploy.check.rules.pods import METRICS_PORT
from deploy.check.world import World

Findings = Iterator[tuple[str, str]]

FIXED = {  # what Kubernetes refuses to change in place
    "Deployment": ("selector",),
    "StatefulSet": ("selector", "serviceName", "volumeClaimTemplates"),
}


def traffic_is_closed(docs: list[Doc]) -> Findings:
    """Nothing talks unless a policy says so."""
    for doc in of_kind(docs, "NetworkPolicy"):
        spec = doc["spec"]
        both = set(spec.get("policyTypes", ())) == {"Ingress", "Egress"}
        if both and spec.get("podSelector") == {} and not (spec.get("ingress") or spec.get("egress")):
            return
    yield "NetworkPolicy/default-deny", "is not there: a policy for all pods, both ways, with nothing allowed"


def pods_may_talk(docs: list[Doc]) -> Findings:
    """Under the default refusal a pod that no policy names can do nothing, and says so in odd ways."""
    policies = [doc["spec"] for doc in of_kind(docs, "NetworkPolicy") if at(doc, "spec", "podSelector")]
    for doc, labels in pod_labels(docs):
        if not any(selects(policy["podSelector"], labels) for policy in policies):
            yield title(doc), "is named by no NetworkPolicy: say what it may reach"


def selectors_select(docs: list[Doc]) -> Findings:
    """A selector that matches nothing protects, serves or allows nothing, and nobody is told."""
    labels = [found for _, found in pod_labels(docs)]
    for doc in docs:
        selector = selector_of(doc)
        if selector is not None and not any(selects(selector, found) for found in labels):
            yield title(doc), "selects no pod of this environment: correct its selector, or remove it"
    for doc in of_kind(docs, "Deployment", "StatefulSet"):
        own = at(template(doc), "metadata", "labels", default={})
        if not selects(at(doc, "spec", "selector", default={}), own):
            yield title(doc), "does not select its own pods: correct spec.selector or the labels of its template"
        for spread in at(template(doc), "spec", "topologySpreadConstraints", default=()):
            if not selects(spread.get("labelSelector", {}), own):
                yield title(doc), "spreads pods that are not its own: correct topologySpreadConstraints"


def selector_of(doc: Doc) -> Doc | None:
    """The selector by which a document finds pods, in the form of a label selector."""
    if doc["kind"] == "NetworkPolicy":
        return doc["spec"].get("podSelector") or None
    if doc["kind"] in ("PodDisruptionBudget", "PodMonitor"):
        found: Doc = at(doc, "spec", "selector", default={})
        return found
    if doc["kind"] == "Service" and at(doc, "spec", "selector"):
        return {"matchLabels": doc["spec"]["selector"]}
    return None


def selectors_stay(world: World) -> Iterator[tuple[str, str, str]]:
    """A changed selector is refused by the cluster, and then a person has to delete what serves."""
    for render, docs in world.environments.items():
        for old in of_kind(world.before.get(render, ()), *FIXED):
            new = find(docs, old["kind"], name(old))
            for key in FIXED[old["kind"]] if new else ():
                if at(old, "spec", key) != at(new, "spec", key):
                    yield render, title(old), f"spec.{key} changed, which the cluster refuses: put it back"


def metrics_stay_inside(docs: list[Doc]) -> Findings:
    """An ingress reaches every port of its Service; figures about the books are not for the street."""
    shown = {backend["name"] for _, backend in backends(docs)}
    for service in of_kind(docs, "Service"):
        open_to_all = name(service) in shown or at(service, "spec", "type", default="ClusterIP") != "ClusterIP"
        for port in at(service, "spec", "ports", default=()) if open_to_all else ():
            if port_of_pods(docs, service, port) == METRICS_PORT:
                yield title(service), f"leads to port {METRICS_PORT} from outside: metrics stay inside"


def backends(docs: list[Doc]) -> Iterator[tuple[Doc, Doc]]:
    """Each ingress with the Services it leads to."""
    for doc in of_kind(docs, "Ingress"):
        if at(doc, "spec", "defaultBackend", "service"):
            yield doc, doc["spec"]["defaultBackend"]["service"]
        for rule in at(doc, "spec", "rules", default=()):
            for path in at(rule, "http", "paths", default=()):
                yield doc, path["backend"]["service"]


def port_of_pods(docs: list[Doc], service: Doc, port: Doc) -> int | None:
    """The number of the port that a Service's port ends at; None if no pod has it."""
    target = port.get("targetPort", port["port"])
    for doc, spec in pods(docs):
        labels = at(template(doc), "metadata", "labels", default={})
        if selects({"matchLabels": at(service, "spec", "selector", default={})}, labels):
            for container in containers(spec):
                for own in container.get("ports", ()):
                    if target in (own.get("name"), own["containerPort"]):
                        return int(own["containerPort"])
    return None


def ports_lead_somewhere(docs: list[Doc]) -> Findings:
    """From the ingress through the Service to a port that a container opens."""
    for service in of_kind(docs, "Service"):
        for port in at(service, "spec", "ports", default=()):
            if at(service, "spec", "selector") and port_of_pods(docs, service, port) is None:
                target = port.get("targetPort", port["port"])
                yield title(service), f"leads to port {target}, which none of its pods opens"
    for ingress, backend in backends(docs):
        found = find(docs, "Service", backend["name"])
        wanted = next(iter(backend.get("port", {}).values()), None)
        known = [(port.get("name"), port["port"]) for port in at(found, "spec", "ports", default=())]
        if not any(wanted in pair for pair in known):
            yield title(ingress), f"leads to Service/{backend['name']} port {wanted}, which is not there"
