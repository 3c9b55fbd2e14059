"""Rules for what runs once or by the clock: none of it may hold back a release, or a rollback."""

from collections.abc import Iterator

from deploy.check.documents import (
    DELETE_POLICY,
    HOOK,
    Doc,
    annotation,
    at,
    find,
    is_hook,
    name,
    of_kind,
    pods,
    references,
    title,
    wave,
)
from deploy.check.world import World

Findings = Iterator[tuple[str, str]]

LONGEST_HOOK = 600
PARAMS = "ConfigMap/argocd-cmd-params-cm"
HEALTH = "argocd.argoproj.io/ignore-healthcheck"
# The order of a first sync: what stands later finds all before it.
WAVES = {"StatefulSet": (-3, -3), "Cluster": (-3, -3), "Deployment": (0, 0), "CronJob": (1, 9)}
MIGRATE = -1


def jobs_are_hooks(docs: list[Doc]) -> Findings:
    """A Job cannot be changed: as an ordinary manifest it fails the second release."""
    for doc in of_kind(docs, "Job"):
        if not is_hook(doc):
            yield title(doc), f"is no hook, and its second release would fail: annotate it with {HOOK}"


def hooks_are_bounded(docs: list[Doc]) -> Findings:
    """A hook that hangs, or a failed one that stays, keeps the next commit waiting."""
    for doc in docs:
        if not is_hook(doc):
            continue
        if doc["kind"] != "Job":
            yield title(doc), "is a hook but no Job: it would be deleted and made again at each sync"
            continue
        deadline = at(doc, "spec", "activeDeadlineSeconds")
        if not deadline or deadline > LONGEST_HOOK:
            yield title(doc), f"may run for ever: set activeDeadlineSeconds, at most {LONGEST_HOOK}"
        if at(doc, "spec", "backoffLimit", default=6) > 1:
            yield title(doc), "is tried too often: set backoffLimit to 0 or 1"
        if annotation(doc, DELETE_POLICY) != "BeforeHookCreation":
            yield title(doc), f"would stay in the way of the next one: set {DELETE_POLICY} to BeforeHookCreation"
        if at(doc, "spec", "template", "spec", "restartPolicy") != "Never":
            yield title(doc), "restarts in place, which backoffLimit does not count: set restartPolicy: Never"


def syncs_end(world: World) -> Iterator[tuple[str, str, str]]:
    """Argo CD gives up a sync that hangs, but only after each hook could say what was wrong."""
    params = find(world.argocd, *PARAMS.split("/"))
    seconds = int(at(params, "data", "controller.sync.timeout.seconds", default=0))
    if seconds <= 0:
        yield "argocd", PARAMS, "a sync may hang for ever: set controller.sync.timeout.seconds"
        return
    for render, docs in world.environments.items():
        jobs = [doc for doc in of_kind(docs, "Job") if is_hook(doc, "Sync")]
        longest = sum(at(doc, "spec", "activeDeadlineSeconds", default=0) for doc in jobs)
        if longest >= seconds:
            yield (
                render,
                ", ".join(map(title, jobs)),
                (f"may take {longest} s, but a sync is given up after {seconds} s: shorten activeDeadlineSeconds"),
            )


def clocks_do_not_block(docs: list[Doc]) -> Findings:
    """A failed nightly run is an alarm of its own; it must not stop a promotion, nor pile up."""
    for doc in of_kind(docs, "CronJob"):
        spec, job = doc["spec"], at(doc, "spec", "jobTemplate", "spec", default={})
        if annotation(doc, HEALTH) != "true":
            yield title(doc), f'a failed run would make the release unhealthy: set {HEALTH}: "true"'
        if spec.get("concurrencyPolicy") != "Forbid":
            yield title(doc), "may run twice at a time: set concurrencyPolicy: Forbid"
        for key in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit", "timeZone"):
            if spec.get(key) is None:
                yield title(doc), f"{key} is not set"
        if not job.get("activeDeadlineSeconds"):
            yield title(doc), "may run for ever: set jobTemplate.spec.activeDeadlineSeconds"
        if job.get("backoffLimit", 6) > 1:
            yield title(doc), "is tried too often: set jobTemplate.spec.backoffLimit to 0 or 1"


def waves_are_in_order(docs: list[Doc]) -> Findings:
    """Database, settings, tables, web, clock: on an empty cluster each finds what it needs."""
    for doc in docs:
        least, most = WAVES.get(doc["kind"], (-9, 9))
        if not least <= wave(doc) <= most:
            wanted = str(least) if least == most else f"{least} or later"
            yield title(doc), f"is in wave {wave(doc)}: a {doc['kind']} belongs into wave {wanted}"
    migrate = find(docs, "Job", "migrate")
    if migrate is None:
        yield "Job/migrate", "is not there: nothing brings the tables up to the code"
    elif not is_hook(migrate, "Sync") or wave(migrate) != MIGRATE:
        yield title(migrate), f"must be a Sync hook in wave {MIGRATE}: after the settings, before the web"


def needs_come_first(docs: list[Doc]) -> Findings:
    """What a pod reads is there before it.

    Inside a wave Argo CD applies what pods need first, but waits for nothing: what an operator has to make of it
    takes an earlier one.
    """
    made = {(doc["kind"], name(doc)): doc for doc in docs}
    for secret in of_kind(docs, "ExternalSecret"):
        made["Secret", at(secret, "spec", "target", "name", default=name(secret))] = secret
    for doc, spec in pods(docs):
        for kind, needed in references(spec):
            source = made.get((kind, needed))
            if source is None or is_hook(doc, "PostSync"):
                continue
            if wave(source) > wave(doc) or (source["kind"] == "ExternalSecret" and wave(source) == wave(doc)):
                yield (
                    title(doc),
                    (f"is in wave {wave(doc)}, and {title(source)} only in {wave(source)}: let that come earlier"),
                )
    for policy in of_kind(docs, "NetworkPolicy"):
        first = min((wave(doc) for doc, _ in pods(docs)), default=0)
        # In one wave policies are applied before pods, and need nothing made of them. Each wave costs two seconds.
        if wave(policy) > first:
            yield title(policy), f"is in wave {wave(policy)}, and the first pod in {first}: let it come earlier"
