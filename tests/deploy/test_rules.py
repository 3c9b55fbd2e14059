"""Each rule over the manifests holds today, and each is shown something that breaks it."""

from copy import deepcopy
from typing import NamedTuple

import pytest

from deploy.check.documents import name
from deploy.check.rules import RULES, broken_rules
from deploy.check.world import World
from tests.deploy.changes import Change, add, attribute, before, copy, cut, drop, new, put

WEB, DATABASE, MIGRATE, BACKUP = "Deployment/web", "StatefulSet/database", "Job/migrate", "CronJob/backup"
CONTAINER = "spec template spec containers 0"
CRON_CONTAINER = "spec jobTemplate spec template spec containers 0"
HOOK, WAVE = "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"


class Case(NamedTuple):
    """One way to break a rule, and what must be said about it."""

    rule: str
    change: Change
    said: str


CASES = (
    Case("image-pinned", put("prod", WEB, f"{CONTAINER} image", "books:1.0"), f"{WEB}, container web: the image"),
    Case(
        "image-pinned",
        put("prod", MIGRATE, f"{CONTAINER} image", f"books:latest@sha256:{'0' * 64}"),
        "Job/migrate, container migrate: the image 'books:latest@sha256:000",
    ),
    Case("image-pinned", put("prod", WEB, f"{CONTAINER} image", f"books@sha256:{'0' * 64}"), "has no digest"),
    Case("database-image", put("prod", "Cluster/database", "spec imageName", "p:18"), "'p:18' moves by itself"),
    Case("image-known", put("prod", WEB, f"{CONTAINER} env 0 value", "books"), "APP_IMAGE is books and the image"),
    Case("image-known", put("prod", WEB, f"{CONTAINER} env", []), "has no APP_IMAGE"),
    Case("restricted", put("prod", WEB, "spec template spec hostNetwork", True), "hostNetwork opens the node"),
    Case(
        "restricted", put("prod", WEB, "spec template spec securityContext runAsNonRoot", False), "may run as root"
    ),
    Case(
        "restricted", put("prod", WEB, "spec template spec securityContext runAsUser", 0), "has no user of its own"
    ),
    Case(
        "restricted", cut("prod", BACKUP, "spec jobTemplate spec template spec securityContext runAsUser"), BACKUP
    ),
    Case(
        "restricted", cut("prod", WEB, "spec template spec securityContext seccompProfile"), "no seccomp profile"
    ),
    Case(
        "restricted", cut("prod", WEB, f"{CONTAINER} securityContext allowPrivilegeEscalation"), "may gain rights"
    ),
    Case("restricted", put("prod", WEB, f"{CONTAINER} securityContext privileged", True), "is privileged"),
    Case(
        "restricted", add("prod", WEB, f"{CONTAINER} securityContext capabilities add", "X"), "keeps capabilities"
    ),
    Case(
        "restricted", cut("prod", WEB, f"{CONTAINER} securityContext capabilities"), "keeps capabilities: drop ALL"
    ),
    Case(
        "restricted", cut("prod", WEB, f"{CONTAINER} securityContext readOnlyRootFilesystem"), "can write its own"
    ),
    Case(
        "restricted",
        add("prod", WEB, "spec template spec volumes", {"name": "node", "hostPath": {"path": "/"}}),
        "the volume node is of a kind",
    ),
    Case("resources", cut("prod", BACKUP, f"{CRON_CONTAINER} resources limits memory"), "resources.limits.memory"),
    Case("resources", cut("prod", WEB, f"{CONTAINER} resources requests"), "resources.requests.cpu is not set"),
    Case(
        "token",
        cut("prod", WEB, "spec template spec automountServiceAccountToken"),
        "gets a token for the cluster",
    ),
    Case("token", cut("prod", WEB, "spec template spec serviceAccountName"), "the namespace's default account"),
    Case("token", cut("prod", "ServiceAccount/web", "automountServiceAccountToken"), "hands its token to whoever"),
    Case("rollout", put("prod", WEB, "spec strategy rollingUpdate maxUnavailable", 1), "rolls out with a gap"),
    Case("rollout", put("prod", WEB, "spec strategy", {"type": "Recreate"}), "rolls out with a gap"),
    Case("rollout", cut("prod", WEB, f"{CONTAINER} lifecycle"), "is stopped while requests still arrive"),
    Case("rollout", cut("prod", WEB, "spec progressDeadlineSeconds"), "set progressDeadlineSeconds"),
    Case(
        "grace", put("prod", WEB, "spec template spec terminationGracePeriodSeconds", 15), "Seconds is 15, needed"
    ),
    Case(
        "grace",
        attribute("graceful_timeout", 60),
        "needed are 75: preStop 10 + gunicorn's graceful_timeout 60 + 5",
    ),
    Case("probes", cut("prod", WEB, f"{CONTAINER} startupProbe"), "has no startupProbe"),
    Case(
        "probes",
        put("prod", WEB, f"{CONTAINER} livenessProbe httpGet path", "/health/ready"),
        "livenessProbe asks /health/ready: it must ask /health",
    ),
    Case(
        "probes", put("prod", WEB, f"{CONTAINER} readinessProbe httpGet path", "/health"), "must ask /health/ready"
    ),
    Case(
        "probes",
        put("prod", WEB, f"{CONTAINER} readinessProbe httpGet port", "http"),
        "asks port http: probes are",
    ),
    Case("probes", cut("postgres", DATABASE, f"{CONTAINER} readinessProbe"), "has no readinessProbe"),
    Case(
        "replicas",
        put("prod", WEB, "spec replicas", 3),
        "names replicas, which HorizontalPodAutoscaler/web decides",
    ),
    Case("replicas", drop("prod", WEB), "scales Deployment/web, which is not there"),
    Case("job-hook", cut("prod", MIGRATE, f"metadata annotations {HOOK}"), "is no hook, and its second release"),
    Case("hook-bound", cut("prod", MIGRATE, "spec activeDeadlineSeconds"), "may run for ever"),
    Case("hook-bound", put("prod", MIGRATE, "spec activeDeadlineSeconds", 86400), "may run for ever"),
    Case("hook-bound", cut("prod", MIGRATE, "spec backoffLimit"), "is tried too often"),
    Case(
        "hook-bound",
        put("prod", "Job/smoke", "metadata annotations argocd.argoproj.io/hook-delete-policy", "HookSucceeded"),
        "Job/smoke: would stay in the way of the next one",
    ),
    Case("hook-bound", put("prod", MIGRATE, "spec template spec restartPolicy", "OnFailure"), "restarts in place"),
    Case("hook-bound", put("prod", "Service/web", f"metadata annotations {HOOK}", "Sync"), "is a hook but no Job"),
    Case(
        "sync-timeout",
        cut("argocd", "ConfigMap/argocd-cmd-params-cm", "data controller.sync.timeout.seconds"),
        "a sync may hang for ever",
    ),
    Case("sync-timeout", put("prod", MIGRATE, "spec activeDeadlineSeconds", 590), "may take 590 s, but a sync"),
    Case(
        "cronjob",
        cut("prod", BACKUP, "metadata annotations argocd.argoproj.io/ignore-healthcheck"),
        "a failed run would make the release unhealthy",
    ),
    Case("cronjob", put("prod", BACKUP, "spec concurrencyPolicy", "Allow"), "may run twice at a time"),
    Case("cronjob", cut("prod", BACKUP, "spec failedJobsHistoryLimit"), "failedJobsHistoryLimit is not set"),
    Case("cronjob", cut("prod", BACKUP, "spec jobTemplate spec activeDeadlineSeconds"), "may run for ever"),
    Case("cronjob", cut("prod", BACKUP, "spec jobTemplate spec backoffLimit"), "is tried too often"),
    Case("waves", put("prod", MIGRATE, f"metadata annotations {WAVE}", "1"), "must be a Sync hook in wave -1"),
    Case(
        "waves", put("prod", MIGRATE, f"metadata annotations {HOOK}", "PreSync"), "must be a Sync hook in wave -1"
    ),
    Case("waves", drop("prod", MIGRATE), "Job/migrate: is not there"),
    Case("waves", put("prod", WEB, f"metadata annotations {WAVE}", "-2"), "a Deployment belongs into wave 0"),
    Case("waves", put("prod", BACKUP, f"metadata annotations {WAVE}", "0"), "belongs into wave 1 or later"),
    Case("waves", put("prod", "Cluster/database", f"metadata annotations {WAVE}", "0"), "belongs into wave -3"),
    Case(
        "needs",
        put("prod", "ConfigMap/web-env", f"metadata annotations {WAVE}", "0"),
        "Job/migrate: is in wave -1, and ConfigMap/web-env-",
    ),
    Case(
        "needs",
        put("prod", "ExternalSecret/database-owner", f"metadata annotations {WAVE}", "-1"),
        "Job/migrate: is in wave -1, and ExternalSecret/database-owner only in -1",
    ),
    Case("needs", put("prod", "NetworkPolicy/dns", f"metadata annotations {WAVE}", "0"), "and the first pod in"),
    Case(
        "secret-role",
        add("prod", WEB, "spec template spec volumes", {"name": "x", "secret": {"secretName": "database-owner"}}),
        "reads the secret database-owner, but may read database-app, django alone",
    ),
    Case(
        "secret-role",
        put(
            "prod",
            "CronJob/verify-ledger",
            "spec jobTemplate spec template spec volumes 1",
            {
                "name": "database",
                "secret": {"secretName": "database-owner"},
            },
        ),
        "CronJob/verify-ledger: reads the secret database-owner, but may read database-auditor, django",
    ),
    Case(
        "secret-role",
        add("prod", "Job/smoke", "spec template spec volumes", {"name": "x", "secret": {"secretName": "django"}}),
        "Job/smoke: reads the secret django, but may read none alone",
    ),
    Case(
        "secret-role",
        add("prod", WEB, "spec template spec volumes", {"name": "key", "secret": {"secretName": "database-ca"}}),
        "the volume key shows more than ca.crt",
    ),
    Case(
        "secret-file",
        add(
            "prod",
            WEB,
            f"{CONTAINER} env",
            {
                "name": "KEY",
                "valueFrom": {"secretKeyRef": {"name": "django", "key": "secret-key"}},
            },
        ),
        "gets KEY from a secret as a variable",
    ),
    Case(
        "secret-file",
        add("prod", WEB, f"{CONTAINER} envFrom", {"secretRef": {"name": "django"}}),
        "gets django as variables",
    ),
    Case(
        "secret-git",
        new("prod", {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}, "stringData": {"key": "x"}}),
        "Secret/s: carries its values",
    ),
    Case(
        "secret-git",
        put("prod", "ConfigMap/web-env", "data DATABASE_URL", "postgresql://ft_app:hunter2@database/f"),
        "DATABASE_URL holds an address with a password",
    ),
    Case("references", drop("prod", "ConfigMap/owner-env"), "Job/migrate: needs ConfigMap/owner-env-"),
    Case("references", drop("prod", "ExternalSecret/django"), "Deployment/web: needs Secret/django"),
    Case("references", drop("prod", "PersistentVolumeClaim/backups"), "needs PersistentVolumeClaim/backups"),
    Case("references", drop("prod", "ServiceAccount/web"), "needs ServiceAccount/web, which nothing here makes"),
    Case(
        "references",
        drop("prod", "ExternalSecret/backup-store"),
        "ObjectStore/database: needs Secret/backup-store",
    ),
    Case(
        "references", put("prod", "Ingress/web", "metadata annotations", {}), "Ingress/web: needs Secret/web-tls"
    ),
    Case("references", drop("postgres", "Job/make-secrets"), "Deployment/web: needs Secret/database-app"),
    Case("default-deny", drop("prod", "NetworkPolicy/default-deny"), "NetworkPolicy/default-deny: is not there"),
    Case("default-deny", add("prod", "NetworkPolicy/default-deny", "spec egress", {}), "is not there"),
    Case("policy", drop("prod", "NetworkPolicy/smoke"), "Job/smoke: is named by no NetworkPolicy"),
    Case(
        "selectors",
        put("prod", "PodDisruptionBudget/web", "spec selector matchLabels", {"app.kubernetes.io/name": "wbe"}),
        "PodDisruptionBudget/web: selects no pod",
    ),
    Case(
        "selectors",
        put("prod", "NetworkPolicy/smoke", "spec podSelector matchLabels", {"app.kubernetes.io/name": "smok"}),
        "NetworkPolicy/smoke: selects no pod",
    ),
    Case(
        "selectors",
        put("prod", "Service/web", "spec selector", {"app.kubernetes.io/name": "website"}),
        "Service/web: selects no pod",
    ),
    Case("selectors", put("prod", WEB, "spec selector matchLabels extra", "x"), "does not select its own pods"),
    Case(
        "selectors",
        put("prod", WEB, "spec template spec topologySpreadConstraints 0 labelSelector matchLabels x", "y"),
        "spreads pods that are not its own",
    ),
    Case(
        "selectors-stay",
        before("prod", WEB, "spec selector matchLabels extra", "x"),
        "prod: Deployment/web: spec.selector changed, which the cluster refuses",
    ),
    Case(
        "metrics",
        add("prod", "Service/web", "spec ports", {"name": "metrics", "port": 9100, "targetPort": "metrics"}),
        "Service/web: leads to port 9100 from outside",
    ),
    Case(
        "metrics", put("prod", "Service/web", "spec ports 0 targetPort", 9100), "leads to port 9100 from outside"
    ),
    Case("ports", put("prod", "Service/web", "spec ports 0 targetPort", "htpt"), "leads to port htpt, which none"),
    Case(
        "ports",
        put("prod", "Ingress/web", "spec rules 0 http paths 0 backend service port", {"name": "https"}),
        "Ingress/web: leads to Service/web port https, which is not there",
    ),
    Case(
        "applications", drop("argocd", "Application/financetracker-prod"), "prod: Application: 0 of them sync it"
    ),
    Case(
        "applications",
        put("argocd", "Application/financetracker-prod", "spec source path", "deploy/overlays/production"),
        "syncs deploy/overlays/production, which is no overlay",
    ),
    Case(
        "sync-policy",
        put("argocd", "Application/financetracker-prod", "spec syncPolicy automated selfHeal", False),
        "leaves drift alone: set syncPolicy.automated.selfHeal: true",
    ),
    Case(
        "sync-policy",
        put("argocd", "Application/financetracker-prod", "spec syncPolicy automated allowEmpty", True),
        "leave allowEmpty out",
    ),
    Case(
        "sync-policy",
        cut("argocd", "Application/financetracker-prod", "spec syncPolicy retry refresh"),
        "a stuck sync holds back the rollback",
    ),
    Case(
        "sync-policy",
        cut("argocd", "Application/financetracker-prod", "spec syncPolicy syncOptions 0"),
        "syncOptions lacks CreateNamespace=true",
    ),
    Case(
        "sync-policy",
        cut("argocd", "Application/financetracker-prod", "spec syncPolicy managedNamespaceMetadata"),
        "would not carry pod-security.kubernetes.io/enforce: restricted",
    ),
    Case(
        "autoscaled",
        cut("argocd", "Application/financetracker-prod", "spec ignoreDifferences"),
        "fights HorizontalPodAutoscaler/web: ignore /spec/replicas of Deployment/web",
    ),
    Case(
        "project",
        put("argocd", "AppProject/financetracker-prod", "spec sourceRepos", ["*"]),
        "allows by a pattern",
    ),
    Case(
        "project",
        add("argocd", "AppProject/financetracker-prod", "spec destinations", {"namespace": "kube-system"}),
        "must allow exactly one source and one namespace",
    ),
    Case(
        "project",
        add(
            "argocd", "AppProject/financetracker-prod", "spec clusterResourceWhitelist", {"group": "", "kind": "N"}
        ),
        "may change the cluster itself",
    ),
    Case(
        "project",
        add(
            "argocd",
            "AppProject/financetracker-prod",
            "spec namespaceResourceWhitelist",
            {
                "group": "",
                "kind": "Secret",
            },
        ),
        "allows Secret: none comes from Git",
    ),
    Case(
        "in-project", drop("argocd", "AppProject/financetracker-prod"), "project financetracker-prod is not there"
    ),
    Case(
        "in-project",
        put("argocd", "Application/financetracker-prod", "spec source repoURL", "https://example.org/other.git"),
        "its repository is not in sourceRepos of AppProject/financetracker-prod",
    ),
    Case(
        "in-project",
        put("argocd", "Application/financetracker-prod", "spec destination namespace", "financetracker-staging"),
        "its destination is not in AppProject/financetracker-prod",
    ),
    Case(
        "in-project",
        copy("prod", "Service/web", name="made-up", namespace="default"),
        "prod: Service/made-up: is not in financetracker-prod",
    ),
    Case(
        "in-project",
        new("prod", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}),
        "prod: Secret: AppProject/financetracker-prod refuses this kind",
    ),
    Case(
        "data",
        put("postgres", DATABASE, "metadata annotations argocd.argoproj.io/sync-options", "Prune=confirm"),
        "StatefulSet/database: could be pruned",
    ),
    Case(
        "data", put("prod", "Cluster/database", "metadata annotations", {WAVE: "-3"}), "Cluster/database: could be"
    ),
    Case(
        "data",
        put("prod", "PersistentVolumeClaim/backups", "metadata annotations", {WAVE: "-1"}),
        "could be pruned",
    ),
    Case(
        "differences",
        put("staging", "ConfigMap/web-env", "data WEB_CONCURRENCY", "4"),
        "data.WEB_CONCURRENCY is '2' there and '4' in staging: move it into the base",
    ),
    Case(
        "differences",
        cut("staging", BACKUP, f"{CRON_CONTAINER} command 4"),
        "CronJob/backup: spec.jobTemplate.spec.template.spec.containers.backup.command[4]",
    ),
    Case(
        "connections", put("prod", "ConfigMap/web-env", "data FT_POOL_SIZE", "80"), "may need 814 connections (800"
    ),
    Case("connections", put("prod", "ConfigMap/web-env", "data WEB_CONCURRENCY", "40"), "for the web, 4 for jobs"),
    Case(
        "connections",
        put("pooler", "Pooler/database-pooler", "spec pgbouncer parameters default_pool_size", "200"),
        "may need 414 connections (400 for the web",
    ),
    Case(
        "connections",
        put("pooler", "Pooler/database-pooler", "spec pgbouncer parameters max_client_conn", "10"),
        "lets 10 connections in, and the web may open 48",
    ),
    Case("connections", drop("postgres", "ConfigMap/database-script"), "says max_connections of the database"),
    Case("components", attribute("components", {"bluegreen": []}), "components: bluegreen: is in no overlay"),
)


def test_no_rule_is_broken(rendered: World) -> None:
    assert [str(finding) for finding in broken_rules(rendered)] == []


def test_each_rule_has_a_case_that_breaks_it() -> None:
    assert {case.rule for case in CASES} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}: {case.said[:50]}" for case in CASES])
def test_what_breaks_a_rule_is_found(rendered: World, case: Case) -> None:
    broken = deepcopy(rendered)
    case.change(broken)
    rule = next(rule for rule in RULES if rule.id == case.rule)
    found = [str(finding) for finding in rule.findings(broken)]
    assert any(case.said in line and line.endswith(f"[{case.rule}]") for line in found), found


def test_a_finding_says_where(rendered: World) -> None:
    broken = deepcopy(rendered)
    put("prod", BACKUP, f"{CRON_CONTAINER} securityContext readOnlyRootFilesystem", False)(broken)
    assert [str(finding) for finding in broken_rules(broken) if finding.rule == "restricted"] == [
        "prod: CronJob/backup, container backup: can write its own files: set readOnlyRootFilesystem: true."
        " [restricted]"
    ]


def test_the_renders_are_not_empty(rendered: World) -> None:
    """A rule over nothing would hold: each environment has what the rules speak of."""
    assert {"staging", "prod"} <= set(rendered.environments)
    for docs in rendered.environments.values():
        kinds = {doc["kind"] for doc in docs}
        assert {"Deployment", "Service", "Job", "CronJob", "NetworkPolicy", "Cluster", "Ingress"} <= kinds
        assert {name(doc) for doc in docs} >= {"web", "migrate", "smoke", "verify-ledger", "backup"}
