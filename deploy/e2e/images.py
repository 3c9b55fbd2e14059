"""The images of the run: the project's own, one release after it, and those that must not get anywhere."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.image import build

APP = "users"  # whose migrations the planted ones follow


@dataclass(frozen=True, slots=True)
class Variant:
    """What is laid over the project's image: files under /app, and another command."""

    files: dict[str, str]
    command: str = ""


def migration(name: str, body: str) -> dict[str, str]:
    """One more migration for the app, in SQL; its name is its own, or it would count as applied already."""
    folder = build.PROJECT / "financetracker" / APP / "migrations"
    newest = max(path.stem for path in folder.glob("[0-9]*.py"))
    text = (
        "from django.db import migrations\n\n\n"
        "class Migration(migrations.Migration):\n"
        f'    dependencies = [("{APP}", "{newest}")]\n'
        f"    operations = [migrations.RunSQL({body!r}, migrations.RunSQL.noop)]\n"
    )
    return {f"financetracker/{APP}/migrations/9001_{name}.py": text}


def answering(ready: int) -> dict[str, str]:
    """A WSGI program that says it is alive, and is ready with this status."""
    text = (
        "def app(environ, start_response):\n"
        "    alive = environ['PATH_INFO'] == '/health'\n"
        f"    start_response('200 OK' if alive else '{ready} Planted', [('Content-Type', 'text/plain')])\n"
        "    return [b'planted\\n']\n"
    )
    return {"planted.py": text}


VARIANTS = {
    "next": Variant(migration("next", "CREATE TABLE planted (id bigint PRIMARY KEY)")),
    "exits": Variant({}, '["python", "-c", "raise SystemExit(\'planted\')"]'),
    "answers-500": Variant(answering(500), '["gunicorn", "planted:app"]'),
    "never-ready": Variant(answering(503), '["gunicorn", "planted:app"]'),
    "failing-migration": Variant(migration("fails", "SELECT planted_mistake()")),
    "long-migration": Variant(migration("takes_long", "SELECT pg_sleep(100)")),
    "hanging-migration": Variant(migration("hangs", "SELECT pg_sleep(100000)")),
}


class Images:
    """Builds and pushes; names are `repository:tag@digest` as the cluster asks for them."""

    def __init__(
        self, *, registry: str, name_in_cluster: str, insecure: bool, base: str, authority: Path | None
    ) -> None:
        self.registry = registry
        self.name_in_cluster = name_in_cluster
        self.insecure = insecure
        self.base = base
        self.authority = authority

    def own(self, revision: str) -> str:
        """The project's image, really built from its Dockerfile."""
        self._build("localhost/ft-e2e:own", revision=revision, context=build.PROJECT)
        return self._push("localhost/ft-e2e:own", "financetracker", f"run-1-{revision[:7]}")

    def variant(self, name: str, revision: str) -> str:
        """An image laid over the project's own; its /version says another revision."""
        variant = VARIANTS[name]
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder)
            lines = ["FROM localhost/ft-e2e:own", f"ENV APP_REVISION={name}-{revision[:7]}"]
            for path, text in variant.files.items():
                (context / "files" / path).parent.mkdir(parents=True, exist_ok=True)
                (context / "files" / path).write_text(text)
            if variant.files:
                lines.append("COPY files/ /app/")
            if variant.command:
                lines.append(f"CMD {variant.command}")
            (context / "Dockerfile").write_text("\n".join(lines) + "\n")
            build.build(f"localhost/ft-e2e:{name}", context=context, pull=False)
        number = 2 + list(VARIANTS).index(name)
        return self._push(f"localhost/ft-e2e:{name}", "financetracker", f"run-{number}-{revision[:7]}")

    def release(self, number: int, commit: str) -> str:
        """The project's image once more, as the pipeline builds it from a later commit."""
        self._build("localhost/ft-e2e:release", revision=commit, context=build.PROJECT)
        return self._push("localhost/ft-e2e:release", "financetracker", f"run-{number}-{commit[:7]}")

    def postgres(self) -> str:
        """A PostgreSQL for clusters that reach no other registry."""
        folder = build.PROJECT / "deploy" / "e2e"
        self._build("localhost/ft-e2e-postgres:17", context=folder, file=folder / "postgres.Dockerfile")
        return self._push("localhost/ft-e2e-postgres:17", "postgres", "17")

    def _build(self, tag: str, *, context: Path, file: Path | None = None, revision: str = "") -> None:
        arguments = ({"BASE_IMAGE": self.base} if self.base else {}) | ({"REVISION": revision} if revision else {})
        build.build(
            tag, context=context, file=file, arguments=arguments, pull=not self.base, authority=self.authority
        )

    def _push(self, tag: str, name: str, version: str) -> str:
        digest = build.push(tag, f"{self.registry}/{name}:{version}", insecure=self.insecure)
        return f"{self.name_in_cluster}/{name}:{version}@{digest}"
