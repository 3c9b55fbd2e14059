"""What a run consists of, in this order."""

from collections.abc import Callable

from deploy.e2e import scenarios
from deploy.e2e.loop import whole_loop
from deploy.e2e.scenarios import Run

SCENARIOS: dict[str, Callable[[Run], None]] = {
    "first sync": scenarios.first_sync,
    # While the schema is the image's own: after a rollback verify_ledger refuses to judge a newer one.
    "clock": scenarios.clock_work,
    "release": scenarios.commit_moves_the_image,
    "rollback": scenarios.rollback_of_a_good_release,
    "drift": scenarios.drift,
    "faults": scenarios.faults,
    "migrations": scenarios.migrations,
    "environments": scenarios.environments_apart,
    "loop": whole_loop,
    "bad images": scenarios.bad_images,
}
