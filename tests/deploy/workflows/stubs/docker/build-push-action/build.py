"""Builds what is checked out, with the arguments of the step, into the archive that the step names."""

import json
import os
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, os.getcwd())

from deploy.image import build

arguments = dict(line.strip().split("=", 1) for line in os.environ["ARGUMENTS"].splitlines() if line.strip())
assert arguments.pop("SOURCE_DATE_EPOCH") == build.CLOCK
archive = dict(part.split("=", 1) for part in os.environ["TO"].split(","))["dest"]
authority = Path("/etc/ssl/certs/ca-certificates.crt")
build.build(
    os.environ["LOCAL_IMAGE"],
    arguments={**arguments, "BASE_IMAGE": "debian:trixie-slim"},
    pull=False,
    authority=authority if authority.exists() else None,
)
build.run("buildah", "push", "--quiet", os.environ["LOCAL_IMAGE"], f"oci-archive:{Path(archive).resolve()}")
with tarfile.open(archive) as tar:
    index = tar.extractfile("index.json")
    assert index is not None
    print(f"digest={json.load(index)['manifests'][0]['digest']}")
