"""Rules for secrets: who sees which, where they come from, and that none is in Git."""

import re
from collections.abc import Iterator

from deploy.check.documents import (
    Doc,
    at,
    every_container,
    find,
    name,
    of_kind,
    pods,
    references,
    title,
)

Findings = Iterator[tuple[str, str]]

# Each pod's secrets, and no others. The web, which strangers can reach, never holds the owner's or the auditor's.
MAY_READ = {
    "web": {"database-app", "django"},
    "clear-sessions": {"database-app", "django"},
    "verify-ledger": {"database-auditor", "django"},
    "migrate": {"database-owner", "django"},
    "backup": {"database-owner", "django"},
    "database": {"database-owner", "database-app", "database-auditor"},
}
PUBLIC = {"database-ca"}  # holds a certificate of which a pod sees the public half alone
DRAWN = {"database-owner", "database-app", "database-auditor", "django"}  # what the Job make-secrets creates
PASSWORD_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+]*://[^/\s:@]*:[^/\s@]+@")


def secrets_by_role(docs: list[Doc]) -> Findings:
    """Who takes over one pod gets that pod's rights and no more."""
    for doc, spec in pods(docs):
        allowed = MAY_READ.get(name(doc), set()) | PUBLIC
        for kind, secret in references(spec):
            if kind == "Secret" and secret not in allowed:
                known = ", ".join(sorted(allowed - PUBLIC)) or "none"
                yield title(doc), f"reads the secret {secret}, but may read {known} alone"
        for volume in spec.get("volumes", ()):
            shown = [item.get("key") for item in at(volume, "secret", "items", default=())]
            if at(volume, "secret", "secretName") in PUBLIC and shown != ["ca.crt"]:
                yield title(doc), f"the volume {volume['name']} shows more than ca.crt: name that item alone"


def secrets_are_files(docs: list[Doc]) -> Findings:
    """A variable is inherited by every child and printed by many a crash; a file is read once."""
    for where, container, _ in every_container(docs):
        for source in container.get("envFrom", ()):
            if "secretRef" in source:
                yield where, f"gets {source['secretRef'].get('name')} as variables: mount it as files"
        for pair in container.get("env", ()):
            if at(pair, "valueFrom", "secretKeyRef"):
                yield where, f"gets {pair['name']} from a secret as a variable: mount it as a file"


def no_secret_is_in_git(docs: list[Doc]) -> Findings:
    """Whoever may read the repository would be let into the books."""
    for doc in of_kind(docs, "Secret"):
        if doc.get("data") or doc.get("stringData"):
            yield title(doc), "carries its values: let it be made on the cluster"
    for doc in of_kind(docs, "ConfigMap"):
        for key, value in (doc.get("data") or {}).items():
            if PASSWORD_IN_ADDRESS.search(str(value)):
                yield title(doc), f"{key} holds an address with a password: leave the password to a secret"


def made_on_the_cluster(docs: list[Doc]) -> set[str]:
    """The secrets that something in the render makes once it is applied."""
    made = {at(doc, "spec", "target", "name", default=name(doc)) for doc in of_kind(docs, "ExternalSecret")}
    for cluster in of_kind(docs, "Cluster"):
        made.add(f"{name(cluster)}-ca")
    if find(docs, "Job", "make-secrets"):
        made |= DRAWN
    for ingress in of_kind(docs, "Ingress"):
        if at(ingress, "metadata", "annotations", "cert-manager.io/cluster-issuer"):
            made |= {tls["secretName"] for tls in at(ingress, "spec", "tls", default=()) if "secretName" in tls}
    return made


def references_resolve(docs: list[Doc]) -> Findings:
    """A pod that waits for something nobody makes hangs without a word."""
    there = {(doc["kind"], name(doc)) for doc in docs}
    there |= {("Secret", secret) for secret in made_on_the_cluster(docs)}
    for doc, spec in pods(docs):
        for kind, wanted in references(spec):
            if (kind, wanted) not in there:
                yield title(doc), f"needs {kind}/{wanted}, which nothing here makes"
    for doc, wanted in operators_references(docs):
        if ("Secret", wanted) not in there:
            yield title(doc), f"needs Secret/{wanted}, which nothing here makes"


def operators_references(docs: list[Doc]) -> Iterator[tuple[Doc, str]]:
    """The secrets that operators and the ingress are told to read."""
    for doc in of_kind(docs, "Cluster"):
        yield doc, at(doc, "spec", "bootstrap", "initdb", "secret", "name")
        for role in at(doc, "spec", "managed", "roles", default=()):
            yield doc, at(role, "passwordSecret", "name")
    for doc in of_kind(docs, "ObjectStore"):
        for part in at(doc, "spec", "configuration", "s3Credentials", default={}).values():
            yield doc, part.get("name")
    for doc in of_kind(docs, "Ingress"):
        for tls in at(doc, "spec", "tls", default=()):
            yield doc, tls.get("secretName")
