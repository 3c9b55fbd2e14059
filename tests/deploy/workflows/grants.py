"""What each job may do beyond nothing, and why. A job that is not here gets no right at all."""

CHECK_OUT = {"contents": "read"}
SIGN = {
    "contents": "read",
    "id-token": "write",  # the signature names the workflow: its identity is what signs
    "attestations": "write",  # the statement of how it was built is kept there
}

GRANTS: dict[tuple[str, str], dict[str, str]] = {
    ("build.yml", "build"): CHECK_OUT,
    ("build.yml", "scan"): CHECK_OUT,
    ("build.yml", "publish"): SIGN,
    ("deployed.yml", "verify"): CHECK_OUT,
    ("deployed.yml", "promote"): CHECK_OUT,
    ("deployed.yml", "deployed"): CHECK_OUT,
    ("deployed.yml", "failed"): CHECK_OUT,
    ("e2e.yml", "kind"): CHECK_OUT,
    ("main.yml", "ours"): CHECK_OUT,
    ("main.yml", "test"): CHECK_OUT,
    ("main.yml", "build"): SIGN,  # a called workflow gets no more than its caller has
    ("main.yml", "pin"): CHECK_OUT,
    ("main.yml", "failed"): CHECK_OUT,
    ("nightly.yml", "scan"): CHECK_OUT,
    ("nightly.yml", "dependencies"): CHECK_OUT,
    # The figures come from what the runs, the deployments and Argo CD's statuses say.
    ("nightly.yml", "figures"): {**CHECK_OUT, "actions": "read", "deployments": "read", "statuses": "read"},
    ("nightly.yml", "restore"): CHECK_OUT,
    ("nightly.yml", "image"): CHECK_OUT,
    ("promote.yml", "promote"): CHECK_OUT,
    ("pull-request.yml", "tests"): CHECK_OUT,
    ("pull-request.yml", "checks"): CHECK_OUT,
    ("pull-request.yml", "migrations"): CHECK_OUT,
    ("pull-request.yml", "image"): CHECK_OUT,
    ("pull-request.yml", "diff"): {**CHECK_OUT, "pull-requests": "write"},  # one comment holds the diff
    ("pull-request.yml", "guard"): CHECK_OUT,
    ("pull-request.yml", "gate"): {},
    ("rollback.yml", "rollback"): CHECK_OUT,
    ("test.yml", "suite"): CHECK_OUT,
}

# What the App's token may do, by the job that asks for it.
APP: dict[tuple[str, str], dict[str, str]] = {
    ("deployed.yml", "verify"): {"contents": "write", "statuses": "read"},  # evidence to main; Argo CD's word
    ("main.yml", "pin"): {"contents": "write"},  # staging's pin to main
    ("promote.yml", "promote"): {"contents": "write", "pull-requests": "write"},  # a branch, and its request
    ("rollback.yml", "rollback"): {"contents": "write"},  # the pin back to main
}

# Where secrets are, and which.
SECRETS: dict[tuple[str, str], tuple[str, set[str]]] = {
    ("build.yml", "publish"): ("registry", {"DOCKERHUB_TOKEN"}),
    ("deployed.yml", "verify"): ("staging", {"PROBE_PASSWORD", "RELEASE_APP_KEY", "SLACK_WEBHOOK_URL"}),
    ("deployed.yml", "deployed"): ("prod", {"SLACK_WEBHOOK_URL"}),
    ("deployed.yml", "failed"): ("either", {"SLACK_WEBHOOK_URL"}),
    ("main.yml", "pin"): ("staging", {"RELEASE_APP_KEY"}),
    ("main.yml", "failed"): ("staging", {"SLACK_WEBHOOK_URL"}),
    ("promote.yml", "promote"): ("staging", {"RELEASE_APP_KEY"}),
    ("rollback.yml", "rollback"): ("either", {"RELEASE_APP_KEY", "SLACK_WEBHOOK_URL"}),
}

# How runs make way for each other: the group, and whether a newer one ends the one that runs.
GROUPS: dict[tuple[str, str], tuple[str, bool]] = {
    ("deployed.yml", "verify"): ("verify-staging", False),
    ("main.yml", "test"): ("main-test", True),
    ("main.yml", "build"): ("main-build", True),
    ("main.yml", "pin"): ("pin-staging", False),
    ("promote.yml", "promote"): ("promote", False),
}
