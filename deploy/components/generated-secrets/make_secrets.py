"""Creates the secrets of an environment that are not there yet; what is there stays as it is.

Standard library only. Runs as a Job whose service account may create secrets and do nothing else: the answer
409 is how it learns that one exists. Exit status 1 and one line when the cluster refuses.
"""

import http.client
import json
import os
import secrets
import ssl
import sys
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ROLES = {"database-owner": "ft_owner", "database-app": "ft_app", "database-auditor": "ft_auditor"}


def wanted() -> list[dict[str, Any]]:
    """Every secret as the API takes it, with values drawn anew; hexadecimal needs no quoting anywhere."""
    login = {name: {"username": role, "password": secrets.token_hex(32)} for name, role in ROLES.items()}
    return [
        *(secret(name, "kubernetes.io/basic-auth", data) for name, data in login.items()),
        secret("django", "Opaque", {"secret-key": secrets.token_urlsafe(64)}),
    ]


def secret(name: str, kind: str, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"app.kubernetes.io/part-of": "financetracker"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": data}


def create(body: dict[str, Any]) -> tuple[int, str]:
    """Status and text of the API server's answer."""
    space = (ACCOUNT / "namespace").read_text()
    token = (ACCOUNT / "token").read_text()
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    # Authorities made by cluster tools do not always say what their key is for; Python insists since 3.13.
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    connection = http.client.HTTPSConnection(host, port, timeout=10, context=trust)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"/api/v1/namespaces/{space}/secrets", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def main() -> int:
    for body in wanted():
        name = body["metadata"]["name"]
        try:
            status, text = create(body)
        except OSError as error:
            print(f"secrets: the cluster's API does not answer: {error}", file=sys.stderr)
            return 1
        if status not in (201, 409):
            print(f"secrets: {name} was refused with {status}: {text[:300]}", file=sys.stderr)
            return 1
        print(f"secrets: {name} {'made' if status == 201 else 'was there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
