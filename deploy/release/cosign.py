"""The one place that knows how an image is signed, and how its signature is checked.

On GitHub no key exists: the workflow proves who it is, and the signature names the workflow (keyless). Anywhere
else a pair of keys stands in: COSIGN_KEY, a file that COSIGN_PASSWORD opens, signs, and COSIGN_PUBLIC_KEY checks;
then no public log is written or asked. INSECURE_REGISTRY=1 says that the registry speaks plain HTTP.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from deploy.release.images import Image
from deploy.release.problems import CouldNot, Problem, Refused
from deploy.release.programs import program

ISSUER = "https://token.actions.githubusercontent.com"
SIGNER = (
    ".github/workflows/build.yml"  # a certificate names the workflow that holds the job, not the one that calls it
)
SECONDS = 120.0
# What is said of a registry that did not answer: that proves nothing about a signature.
AWAY = re.compile(
    r"connection refused|connection reset|no such host|i/o timeout|deadline exceeded|handshake|unexpected EOF"
    r"|status code 5\d\d|TOOMANYREQUESTS",
    re.IGNORECASE,
)


def run(*arguments: str) -> str:
    """What cosign printed. Raises Refused with its last line where it says no, CouldNot where it says nothing."""
    env = {**os.environ, "COSIGN_PASSWORD": os.environ.get("COSIGN_PASSWORD", "")}
    argv = [program("cosign"), *arguments]
    try:
        done = subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise CouldNot(f"cosign {arguments[0]} did not end within {SECONDS:.0f} s.") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = f"cosign {arguments[0]}: {lines[-1].strip()[-300:] if lines else 'it said nothing'}"
        raise CouldNot(said) if AWAY.search(said) else Refused(said)
    return done.stdout


def registry() -> list[str]:
    """The options that every command needs to reach the registry."""
    return ["--allow-insecure-registry"] if os.environ.get("INSECURE_REGISTRY") == "1" else []


def by_digest(image: Image) -> str:
    """How cosign is told an image: never by its tag, which could be moved meanwhile."""
    return f"{image.name}@{image.digest}"


def sign(image: Image, sbom: Path) -> None:
    """Signs an image and, with it, its list of contents in CycloneDX. Twice is as good as once."""
    with tempfile.TemporaryDirectory() as folder:
        how = ["--yes", *registry()]
        key = os.environ.get("COSIGN_KEY", "")
        if key:
            nobody = f"{folder}/signing-config.json"  # no log, no clock of somebody else's
            run("signing-config", "create", "--out", nobody)
            how += ["--key", key, "--signing-config", nobody]
        run("sign", *how, by_digest(image))
        run("attest", *how, "--type", "cyclonedx", "--predicate", str(sbom), by_digest(image))


def signer(key: str = "", identity: str = "", issuer: str = "") -> list[str]:
    """The options that say who must have signed; by default COSIGN_PUBLIC_KEY, else build.yml of our main.

    `identity` is a regular expression over the certificate's name. Raises Problem where nothing says whose
    repository this is.
    """
    key = key or ("" if identity else os.environ.get("COSIGN_PUBLIC_KEY", ""))
    if key:
        return ["--key", key, "--insecure-ignore-tlog=true", *registry()]
    whom = ["--certificate-oidc-issuer", issuer or ISSUER]
    if identity:
        return [*whom, "--certificate-identity-regexp", identity, *registry()]
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    if not repository:
        raise Problem("Whose signature? Set GITHUB_REPOSITORY, or give --key or --identity.")
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    return [*whom, "--certificate-identity", f"{server}/{repository}/{SIGNER}@refs/heads/main", *registry()]


def verify(image: Image, who: list[str]) -> None:
    """Whether an image carries a signature of `who`, as signer() says it. Raises Refused with cosign's reason."""
    run("verify", *who, by_digest(image))


def verify_contents(image: Image, who: list[str]) -> str:
    """Whether an image's list of contents is signed too; what cosign printed, one attestation a line."""
    return run("verify-attestation", *who, "--type", "cyclonedx", by_digest(image))
