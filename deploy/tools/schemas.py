"""Writes `schemas/`, the types that kubeconform checks our manifests against: `python deploy/tools/schemas.py`.

Run by hand when a version below moves, with Go and its module proxy; the result is committed, so that a check
needs neither. Every object whose properties are known is closed: a misspelt key fails instead of being ignored.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SCHEMAS = Path(__file__).resolve().parent / "schemas"

KUBERNETES = "k8s.io/kubernetes@v1.34.4"
# The kinds we use or may come to use, of what the cluster itself knows.
KINDS = {
    "": ["ConfigMap", "LimitRange", "Namespace", "PersistentVolumeClaim", "ResourceQuota", "Secret", "Service",
         "ServiceAccount"],
    "apps": ["Deployment", "StatefulSet"],
    "autoscaling": ["HorizontalPodAutoscaler"],
    "batch": ["CronJob", "Job"],
    "networking.k8s.io": ["Ingress", "NetworkPolicy"],
    "policy": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io": ["Role", "RoleBinding"],
}  # fmt: skip
NEWEST = {"autoscaling": "v2"}  # elsewhere v1

# What operators add: the module that carries their definitions, where in it, and which of the kinds.
ADDED = (
    ("github.com/argoproj/argo-cd/v3@v3.6.1", "manifests/crds", ("Application", "AppProject")),
    (
        "github.com/cloudnative-pg/cloudnative-pg@v1.28.1",
        "config/crd/bases",
        ("Cluster", "ImageCatalog", "Pooler", "ScheduledBackup"),
    ),
    ("github.com/cloudnative-pg/plugin-barman-cloud@v0.15.0", "config/crd/bases", ("ObjectStore",)),
    (
        "github.com/external-secrets/external-secrets@v1.3.2",
        "config/crds/bases",
        ("ClusterSecretStore", "ExternalSecret", "Password", "SecretStore"),
    ),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd",
        ("PodMonitor", "ServiceMonitor"),
    ),
)
GO = "go1.27.3"  # the newest that any of these modules asks for
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
INT_OR_STRING = {"oneOf": [{"type": "integer"}, {"type": "string"}]}

Schema = dict[str, Any]


class Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a bare `=`, which a definition lists as a choice, is text like any other."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def folder_of(module: str) -> Path:
    """Where Go keeps a module, which is fetched if it is not there."""
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            ["go", "mod", "download", "-json", module],
            cwd=empty, env={**os.environ, "GOTOOLCHAIN": GO}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    said: dict[str, str] = json.loads(done.stdout or "{}")
    if "Dir" not in said:
        sys.exit(f"schemas: {module}: {said.get('Error') or done.stderr.strip()}")
    return Path(said["Dir"])


def strict(schema: Any) -> Any:
    """The same schema with every object closed whose properties are known, in the words of JSON Schema."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return INT_OR_STRING
    kept = {key: value for key, value in schema.items() if key != "description" and not key.startswith("x-")}
    if isinstance(schema.get("properties"), dict):
        kept["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"):
        if key in kept:
            # The branches of a choice name some properties each, and close none.
            kept[key] = strict(kept[key]) if key in ("items", "additionalProperties") else schema[key]
    return kept


def reached(definitions: Schema, start: Schema) -> Schema:
    """The definitions that a schema needs, through others too."""
    found: Schema = {}
    waiting = [start]
    while waiting:
        for name in references(waiting.pop()):
            if name not in found:
                found[name] = strict(definitions[name])
                waiting.append(found[name])
    return found


def references(schema: Any) -> Iterator[str]:
    """The names of all definitions that a schema points at."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from references(part)


def whole(schema: Schema, definitions: Schema, group: str, version: str, kind: str) -> Schema:
    """A schema that stands alone and takes one kind of one group and version."""
    top: Schema = strict(schema)
    api = f"{group}/{version}" if group else version
    top["properties"].update(
        apiVersion={"enum": [api]}, kind={"enum": [kind]}, metadata={"$ref": f"#/definitions/{META}"}
    )
    top["required"] = sorted({"apiVersion", "kind", "metadata", *top.get("required", ())})
    return {"$schema": "http://json-schema.org/draft-07/schema#", **top, "definitions": reached(definitions, top)}


def built_in(definitions: Schema) -> Iterator[tuple[str, str, str, Schema]]:
    """Group, version, kind and schema of what the cluster itself knows."""
    known = {
        (part["group"], part["version"], part["kind"]): schema
        for schema in definitions.values()
        for part in schema.get("x-kubernetes-group-version-kind", ())
    }
    for group, kinds in KINDS.items():
        version = NEWEST.get(group, "v1")
        for kind in kinds:
            yield group, version, kind, known[group, version, kind]


def added() -> Iterator[tuple[str, str, str, Schema]]:
    """Group, version, kind and schema of what operators add, in each version that a cluster serves."""
    for module, place, kinds in ADDED:
        left = set(kinds)
        for path in sorted((folder_of(module) / place).glob("*.yaml")):
            spec = yaml.load(path.read_text(encoding="utf-8"), Loader).get("spec", {})  # noqa: S506  a safe one
            kind = spec.get("names", {}).get("kind")
            if kind not in left:
                continue
            left.remove(kind)
            for version in spec["versions"]:
                if version["served"]:
                    yield spec["group"], version["name"], kind, version["schema"]["openAPIV3Schema"]
        if left:
            sys.exit(f"schemas: {module} has no {', '.join(sorted(left))} in {place}")


def file_name(group: str, version: str, kind: str) -> str:
    """The name under which kubeconform looks for a schema."""
    return "-".join(filter(None, (kind.lower(), group.partition(".")[0], version))) + ".json"


def main() -> None:
    """Writes every schema, and the versions they come from beside them."""
    swagger = folder_of(KUBERNETES) / "api" / "openapi-spec" / "swagger.json"
    definitions = json.loads(swagger.read_text(encoding="utf-8"))["definitions"]
    shutil.rmtree(SCHEMAS, ignore_errors=True)
    SCHEMAS.mkdir()
    for group, version, kind, schema in (*built_in(definitions), *added()):
        text = json.dumps(whole(schema, definitions, group, version, kind), sort_keys=True, separators=(",", ":"))
        (SCHEMAS / file_name(group, version, kind)).write_text(text + "\n", encoding="utf-8")
    modules = [KUBERNETES, *(module for module, _, _ in ADDED)]
    (SCHEMAS / "VERSIONS").write_text("".join(f"{module}\n" for module in modules), encoding="utf-8")
    print(f"{len(list(SCHEMAS.glob('*.json')))} schemas in {SCHEMAS.name}/")


if __name__ == "__main__":
    main()
