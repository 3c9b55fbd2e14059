#!/usr/bin/env python3
"""`grype --quiet IMAGE --output json --file FILE`, as the recorded report GRYPE_REPORT says of another image."""

import json
import os
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path


def digest_of(wanted: str) -> str:
    """The manifest that is looked at."""
    kind, _, where = wanted.partition(":")
    if kind == "registry":
        return where.rpartition("@")[2]
    assert kind == "oci-archive", wanted
    with tarfile.open(where) as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        return str(json.load(index)["manifests"][0]["digest"])


quiet, wanted, output, form, option, file = sys.argv[1:]
assert (quiet, output, form, option) == ("--quiet", "--output", "json", "--file"), sys.argv
report = json.loads(Path(os.environ["GRYPE_REPORT"]).read_text(encoding="utf-8"))
report["source"]["target"] |= {"manifestDigest": digest_of(wanted), "repoDigests": [], "userInput": wanted}
report["descriptor"]["db"]["status"]["built"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
Path(file).write_text(json.dumps(report), encoding="utf-8")
