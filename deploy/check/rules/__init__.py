"""Our own rules over what is rendered: what no tool knows about this project.

A rule is a function that yields a place and what to do there. Its id is what tests and people call it by.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from deploy.check.documents import Doc
from deploy.check.rules import argo, environments, hooks, network, pods, secrets
from deploy.check.world import World


@dataclass(frozen=True)
class Finding:
    """One place where one rule is broken."""

    rule: str
    render: str
    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.render}: {self.where}: {self.sentence}. [{self.rule}]"


@dataclass(frozen=True)
class Rule:
    """What must hold, and the function that looks whether it does."""

    id: str
    truth: str
    broken: Callable[[World], Iterable[tuple[str, str, str]]]

    def findings(self, world: World) -> list[Finding]:
        """Every place where the rule is broken."""
        return [Finding(self.id, *found) for found in self.broken(world)]


def each(
    look: Callable[[list[Doc]], Iterable[tuple[str, str]]],
) -> Callable[[World], Iterator[tuple[str, str, str]]]:
    """A look at one render as a look at all of them."""

    def broken(world: World) -> Iterator[tuple[str, str, str]]:
        for render, docs in world.renders.items():
            for where, sentence in look(docs):
                yield render, where, sentence

    return broken


RULES = (
    Rule("image-pinned", "every image is pinned by digest", each(pods.images_are_pinned)),
    Rule("database-image", "the database's image does not move by itself", each(pods.database_image_is_named)),
    Rule("image-known", "APP_IMAGE is the image that runs", each(pods.pods_know_their_image)),
    Rule("restricted", "every pod is restricted", each(pods.pods_are_restricted)),
    Rule("resources", "every pod has requests and a memory limit", each(pods.pods_have_resources)),
    Rule("token", "no pod holds a token for the cluster", each(pods.no_token_is_mounted)),
    Rule("rollout", "a rollout loses no request", each(pods.rollouts_lose_nothing)),
    Rule("grace", "a pod may finish what it serves", pods.grace_is_long_enough),
    Rule("probes", "only readiness asks for the database", each(pods.probes_ask_the_right_thing)),
    Rule("replicas", "no number of pods stands beside an autoscaler", each(pods.replicas_have_one_master)),
    Rule("job-hook", "every Job is a hook", each(hooks.jobs_are_hooks)),
    Rule("hook-bound", "every hook ends, and makes room for the next", each(hooks.hooks_are_bounded)),
    Rule("sync-timeout", "every sync ends, after its hooks", hooks.syncs_end),
    Rule("cronjob", "no CronJob blocks a release", each(hooks.clocks_do_not_block)),
    Rule("waves", "database, settings, migrate, web, clock", each(hooks.waves_are_in_order)),
    Rule("needs", "what a pod needs is there before it", each(hooks.needs_come_first)),
    Rule("secret-role", "each pod reads its own secrets alone", each(secrets.secrets_by_role)),
    Rule("secret-file", "secrets are files, not variables", each(secrets.secrets_are_files)),
    Rule("secret-git", "no secret is in Git", each(secrets.no_secret_is_in_git)),
    Rule("references", "every reference resolves", each(secrets.references_resolve)),
    Rule("default-deny", "nothing talks unless it is allowed", each(network.traffic_is_closed)),
    Rule("policy", "every pod is named by a policy", each(network.pods_may_talk)),
    Rule("selectors", "every selector selects something", each(network.selectors_select)),
    Rule("selectors-stay", "what cannot change in place does not", network.selectors_stay),
    Rule("metrics", "metrics are not reached from outside", each(network.metrics_stay_inside)),
    Rule("ports", "every port leads somewhere", each(network.ports_lead_somewhere)),
    Rule("applications", "each environment has one Application", argo.every_environment_is_synced),
    Rule("sync-policy", "what Git says is what runs", argo.syncs_are_automatic),
    Rule("autoscaled", "Argo CD leaves autoscaled numbers alone", argo.autoscaled_numbers_are_left_alone),
    Rule("project", "each AppProject is narrow", argo.projects_are_narrow),
    Rule("in-project", "each Application stays inside its AppProject", argo.applications_stay_inside),
    Rule("data", "what holds data survives a prune", each(argo.data_survives_a_prune)),
    Rule("differences", "environments differ where they may", environments.environments_differ_little),
    Rule("connections", "the database bears all connections", environments.connections_suffice),
    Rule("components", "every component is rendered somewhere", environments.components_are_rendered),
)


def broken_rules(world: World) -> list[Finding]:
    """All that is wrong with the manifests by our own rules, in their order."""
    return [finding for rule in RULES for finding in rule.findings(world)]
