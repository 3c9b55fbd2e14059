"""`guard`: a promotion is one proven digest in one file; everything smuggled in with it is refused."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deploy.release.evidence import CHECKS, path_of
from deploy.release.images import Image, overlay
from tests.deploy.release.house import DENIED, House, moved_to

PROD, STAGING = overlay("prod"), overlay("staging")


def expand(name: str) -> str:
    return f"financetracker/ledger/migrations/{name}.py"


def contract(expanded: str = 'expanded_by = ("ledger", "0003_new_names")') -> str:
    return f"class Migration:\n    dependencies = []\n    {expanded}\n"


class Promotion:
    """A house whose prod runs the first of three builds, whose staging runs the third, which is proven."""

    def __init__(self, home: House, commits: list[str]) -> None:
        self.home = home
        self.old, self.between, self.new = (home.image(11 + number, one) for number, one in enumerate(commits))

    def judge(self, head: str) -> tuple[int, list[str]]:
        base = self.home.git("rev-parse", "origin/main")
        done = self.home.run("guard", "--base", base, "--head", head)
        assert done.err == ""
        return done.status, done.out.splitlines()

    def propose(self, files: Mapping[str, str | None] | None = None) -> tuple[int, list[str]]:
        """Judges the promotion of the proven build with more files changed, or its own one otherwise."""
        whole = {PROD: self.home.with_image("prod", self.new), **(files or {})}
        return self.judge(self.home.branch("promote/x", whole))


@pytest.fixture(scope="session")
def promoting(built: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Such a house to copy from, and its three commits."""
    home = moved_to(built, tmp_path_factory.mktemp("promoting") / "house")
    commits = [home.commit(name) for name in ("One", "Two", "Three")]
    made = Promotion(home, commits)
    home.move("prod", made.old)
    home.move("staging", made.new)
    home.prove(made.new)
    return home.folder, commits


@pytest.fixture
def proven(promoting: tuple[Path, list[str]], tmp_path: Path) -> Promotion:
    return Promotion(moved_to(promoting[0], tmp_path / "house"), promoting[1])


def test_one_proven_digest_in_one_file_passes(proven: Promotion) -> None:
    before = proven.home.everything()
    assert proven.propose() == (0, [f"passed: promotes {proven.new}"])
    after = proven.home.everything()
    head = after.pop("origin.git refs/heads/promote/x")
    assert after.pop("clone refs/heads/promote/x") == head
    assert after.pop("clone refs/remotes/origin/promote/x", head) == head
    assert after == before


def test_json(proven: Promotion) -> None:
    home = proven.home
    base = home.renew()
    head = home.branch("promote/x", {PROD: home.with_image("prod", proven.between)})
    done = home.run("guard", "--base", base, "--head", head, "--json")
    assert done.status == 1
    assert done.json == {
        "status": "refused",
        "promotes": str(proven.between),
        "findings": [
            f"{proven.between.tag} has no evidence on main: let staging run it and verify it first.",
        ],
        "notes": [],
    }


def test_a_change_that_touches_none_of_it_passes(proven: Promotion) -> None:
    head = proven.home.branch("words", {"README.md": "Better.\n", "deploy/base/smoke.py": "print('hello')\n"})
    assert proven.judge(head) == (0, ["passed: nothing of the release moves"])


def test_a_change_of_manifests_beside_the_image_passes(proven: Promotion) -> None:
    text = proven.home.at(PROD).replace("financetracker.example.org", "money.example.org")
    assert text != proven.home.at(PROD)
    assert proven.judge(proven.home.branch("host", {PROD: text})) == (0, ["passed: nothing of the release moves"])


def test_a_branch_that_is_behind_main_is_not_blamed_for_it(proven: Promotion) -> None:
    home = proven.home
    head = home.branch("words", {"README.md": "Better.\n"})
    home.move("staging", home.image(14, home.commit("Four")))
    home.commit("deny", {DENIED: f"{proven.between.digest}  # slow (Ana, 2026-03-02)\n"})
    assert proven.judge(head) == (0, ["passed: nothing of the release moves"])


# What is smuggled in with a proper promotion: the files, given the promotion, and the lines that say no.
ALONE = "does not belong into a promotion: propose it on its own."
SMUGGLED: dict[str, tuple[Callable[[Promotion], dict[str, str | None]], list[str]]] = {
    "a second file": (
        lambda _: {"financetracker/settings.py": "DEBUG = True\n"},
        [f"refused: financetracker/settings.py: {ALONE}"],
    ),
    "a second file that is removed": (lambda _: {"README.md": None}, [f"refused: README.md: {ALONE}"]),
    "the other environment": (
        lambda p: {STAGING: p.home.with_image("staging", p.between)},
        [
            f"refused: {STAGING}: staging is moved by `pin`, never by a pull request.",
            f"refused: {STAGING}: {ALONE}",
        ],
    ),
    "another line of the overlay": (
        lambda p: {PROD: p.home.with_image("prod", p.new).replace("financetracker.example", "evil.example")},
        [f"refused: {PROD}: more than tag and digest of the image changes: move the image on its own."],
    ),
    "a comment in the overlay": (
        lambda p: {PROD: p.home.with_image("prod", p.new) + "# hello\n"},
        [f"refused: {PROD}: more than tag and digest of the image changes: move the image on its own."],
    ),
    "a line break of another kind": (
        lambda p: {
            PROD: p.home.with_image("prod", p.new).replace("kind: Kustomization\n", "kind: Kustomization\r\n")
        },
        [f"refused: {PROD}: more than tag and digest of the image changes: move the image on its own."],
    ),
    "a second images block, which says what was": (
        lambda p: {
            PROD: p.home.with_image("prod", p.new)
            + "images:"
            + p.home.at(PROD).partition("images:")[2].partition("patches:")[0]
        },
        [f"refused: {PROD}: more than tag and digest of the image changes: move the image on its own."],
    ),
    "another repository": (
        lambda p: {PROD: p.home.with_image("prod", p.new).replace("docker.io/", "evil.example.org/")},
        [
            f"refused: {PROD}: prod takes its images from docker.io/financetracker/financetracker, not from"
            " evil.example.org/financetracker/financetracker.",
            "EVIDENCE IS ABOUT",
        ],
    ),
    "the digest of another build under the proven tag": (
        lambda p: {PROD: p.home.with_image("prod", p.new).replace(p.new.digest, p.between.digest)},
        [f"refused: {'TAG'} has no evidence on main: let staging run it and verify it first."],
    ),
    "the proven digest under another tag": (
        lambda p: {PROD: p.home.with_image("prod", p.new).replace(p.new.tag, p.between.tag)},
        ["EVIDENCE IS ABOUT", "EVIDENCE COMMIT"],
    ),
    "evidence of its own": (
        lambda p: {
            PROD: p.home.with_image("prod", p.between),
            path_of(p.between.digest): p.home.proof(p.between).text(),
        },
        ["EVIDENCE FORGED", "NO EVIDENCE"],
    ),
}


def spoken(p: Promotion, line: str) -> str:
    """The lines that name builds, which are known only once the house stands."""
    named = {
        "EVIDENCE FORGED": f"refused: {path_of(p.between.digest)}: evidence is what the release itself has seen:"
        " a pull request cannot bring it.",
        "NO EVIDENCE": f"refused: {p.between.tag} has no evidence on main: let staging run it and"
        " verify it first.",
        "EVIDENCE COMMIT": f"refused: The evidence is about commit {p.new.short}, and {p.between.tag} names"
        f" {p.between.short}.",
    }
    return named.get(line, line).replace("TAG", p.new.tag)


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_is_smuggled_in_is_refused(proven: Promotion, name: str) -> None:
    files, lines = SMUGGLED[name]
    status, said = proven.propose(files(proven))
    assert status == 1
    about = [line for line in said if line.startswith("refused: The evidence is about docker.io/")]
    assert len(about) == lines.count("EVIDENCE IS ABOUT")
    rest = [line for line in said if line not in about]
    assert rest == [spoken(proven, line) for line in lines if line != "EVIDENCE IS ABOUT"]


def test_staging_moved_by_hand(proven: Promotion) -> None:
    home = proven.home
    head = home.branch("by-hand", {STAGING: home.with_image("staging", proven.between)})
    assert proven.judge(head) == (
        1,
        [f"refused: {STAGING}: staging is moved by `pin`, never by a pull request."],
    )


@pytest.mark.parametrize("what", ["changed", "removed", "added", "replaced by a link"])
def test_evidence_belongs_to_the_release(proven: Promotion, what: str) -> None:
    home, path = proven.home, path_of(proven.new.digest)
    home.renew()
    if what == "changed":
        home.write({path: home.at(path).replace("as it should be", "very well")})
    elif what == "removed":
        home.write({path: None})
    elif what == "added":
        path = path_of(proven.old.digest)
        home.write({path: home.proof(proven.old).text()})
    else:
        (home.clone / path).unlink()
        (home.clone / path).symlink_to("../../README.md")
    status, said = proven.judge(home.proposed("evidence"))
    assert status == 1
    assert said == [
        f"refused: {path}: evidence is what the release itself has seen: a pull request cannot bring it."
    ]


def denied(proven: Promotion, image: Image) -> None:
    proven.home.commit("deny", {DENIED: f"# Denied\n{image.digest}  # totals were wrong (Ana, 2026-03-02)\n"})


def test_a_denied_digest_is_refused(proven: Promotion) -> None:
    denied(proven, proven.new)
    assert proven.propose() == (
        1,
        [f"refused: {proven.new.tag} is on the deny list: totals were wrong (Ana, 2026-03-02)."],
    )


def test_a_digest_denied_after_the_branch_was_made_is_refused(proven: Promotion) -> None:
    home = proven.home
    base = home.renew()
    head = home.branch("promote/x", {PROD: home.with_image("prod", proven.new)})
    denied(proven, proven.new)
    done = home.run("guard", "--base", base, "--head", head)
    assert done.status == 1
    assert "is on the deny list" in done.out


def test_a_promotion_that_takes_its_digest_off_the_deny_list_is_refused(proven: Promotion) -> None:
    denied(proven, proven.new)
    assert proven.propose({DENIED: "# Denied\n"}) == (
        1,
        [
            f"refused: {DENIED}: {ALONE}",
            f"refused: {proven.new.tag} is on the deny list: totals were wrong (Ana, 2026-03-02).",
            f"note: takes {proven.new.digest[:19]}… off the deny list",
        ],
    )


def test_the_deny_list_alone_may_be_changed(proven: Promotion) -> None:
    denied(proven, proven.new)
    home = proven.home
    assert proven.judge(home.branch("undeny", {DENIED: "# Denied\n"})) == (
        0,
        [f"note: takes {proven.new.digest[:19]}… off the deny list", "passed: nothing of the release moves"],
    )
    both = home.branch("both", {DENIED: "# Denied\n", "README.md": "And words.\n"})
    assert proven.judge(both) == (
        1,
        [
            "refused: README.md: does not belong into a change of the deny list: propose it on its own.",
            f"note: takes {proven.new.digest[:19]}… off the deny list",
        ],
    )


@pytest.mark.parametrize(
    "line", ["sha256:12  # short", "{d}", "{d} no hash sign", "{d}  #", "{u}  # capitals", "latest"]
)
def test_a_line_of_the_deny_list_that_denies_nothing_is_refused(proven: Promotion, line: str) -> None:
    written = line.format(d=proven.old.digest, u=proven.old.digest.upper())
    head = proven.home.branch("deny", {DENIED: f"# Denied\n{written}\n"})
    assert proven.judge(head) == (1, [f"refused: {DENIED}:2: is no `sha256:… # reason (who, when)`."])


def changed_kind(proven: Promotion, change: str) -> str:
    """The promotion with the overlay kept in another way; returns the proposal."""
    home = proven.home
    text = home.with_image("prod", proven.new)
    path = home.clone / PROD
    home.write({PROD: text})
    if change == "renamed":
        path.rename(path.with_name("kustomization.yml"))
    elif change == "executable":
        path.chmod(0o755)
    elif change == "link":
        path.rename(path.with_name("other.yaml"))
        path.symlink_to("other.yaml")
    elif change == "folder is a link":
        path.unlink()
        path.parent.rmdir()
        path.parent.symlink_to("staging")
    elif change == "removed":
        path.unlink()
    return home.proposed("promote/x")


@pytest.mark.parametrize("change", ["renamed", "executable", "link", "folder is a link", "removed"])
def test_an_overlay_of_another_kind_is_refused(proven: Promotion, change: str) -> None:
    status, said = proven.judge(changed_kind(proven, change))
    assert status == 1
    assert f"refused: {PROD}: must stay an ordinary file of that name and mode." in said


def test_the_executable_bit_alone_is_refused(proven: Promotion) -> None:
    home = proven.home
    home.renew()
    (home.clone / STAGING).chmod(0o755)
    assert proven.judge(home.proposed("bit"))[0] == 1


@pytest.mark.parametrize("check", CHECKS)
def test_incomplete_evidence_is_refused(home: House, check: str) -> None:
    image = home.image(11, home.commit("One"))
    home.prove(image, **{check: "nothing answered"})
    head = home.branch("promote/x", {PROD: home.with_image("prod", image)})
    done = home.run("guard", "--base", home.renew(), "--head", head)
    assert (done.status, done.out) == (1, f"refused: {image.tag} is not proven: {check}: nothing answered\n")


def test_evidence_that_cannot_be_read_is_refused(home: House) -> None:
    image = home.image(11, home.commit("One"))
    home.commit("evidence", {path_of(image.digest): "{}"})
    head = home.branch("promote/x", {PROD: home.with_image("prod", image)})
    done = home.run("guard", "--base", home.renew(), "--head", head)
    assert done.status == 1
    assert done.out.startswith("refused: The evidence cannot be read")


def test_the_first_promotion_passes(home: House) -> None:
    image = home.image(11, home.commit("One"))
    home.prove(image)
    head = home.branch("promote/x", {PROD: home.with_image("prod", image)})
    done = home.run("guard", "--base", home.renew(), "--head", head)
    assert (done.status, done.out) == (0, f"passed: promotes {image}\n")


def test_before_the_first_release_the_repository_of_images_is_set(home: House) -> None:
    text = home.at(PROD).replace("docker.io/financetracker/", "registry.example.org/house/")
    head = home.branch("registry", {PROD: text})
    done = home.run("guard", "--base", home.renew(), "--head", head)
    assert (done.status, done.out) == (0, "passed: nothing of the release moves\n")


def test_a_step_back_is_not_a_promotion(proven: Promotion) -> None:
    home = proven.home
    home.move("prod", proven.new)
    home.prove(proven.old)
    head = home.branch("promote/x", {PROD: home.with_image("prod", proven.old)})
    assert proven.judge(head) == (
        1,
        [f"refused: {proven.old.tag} is older than {proven.new.tag}, which prod runs: going back is `rollback`."],
    )


def test_a_source_that_was_pushed_away_is_refused(proven: Promotion) -> None:
    home = proven.home
    kept = home.renew()
    lost = home.image(14, home.commit("Lost"))
    home.force(kept)
    home.renew()
    home.prove(lost)
    head = home.branch("promote/x", {PROD: home.with_image("prod", lost)})
    status, said = proven.judge(head)
    assert (status, said) == (
        1,
        [f"refused: {lost.tag} was built from {lost.short}, which main does not have (any more)."],
    )


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({expand("0004_contract_names"): contract()}, []),
        ({expand("0004_contract_names"): contract("pass")}, ["does not say in expanded_by"]),
        ({expand("0004_contract_names"): contract('expanded_by = ("ledger", "../../x")')}, ["does not say in"]),
        (
            {expand("0004_contract_names"): contract('expanded_by = ("ledger", "0009_later")')},
            ["does not have ledger.0009_later: promote a build between the two first."],
        ),
    ],
    ids=["expanded before", "says nothing", "says a path", "not expanded"],
)
def test_contracting_migrations(home: House, files: dict[str, str], lines: list[str]) -> None:
    old = home.image(11, home.commit("One", {expand("0003_new_names"): "class Migration: pass\n"}))
    home.move("prod", old)
    new = home.image(12, home.commit("Two", files))
    home.prove(new)
    head = home.branch("promote/x", {PROD: home.with_image("prod", new)})
    done = home.run("guard", "--base", home.renew(), "--head", head)
    said = done.out.splitlines()
    assert done.status == (1 if lines else 0)
    if lines:
        assert len(said) == 1
        assert said[0].startswith(f"refused: {expand('0004_contract_names')} contracts")
        assert lines[0] in said[0]
    else:
        assert said == [
            f"note: {expand('0004_contract_names')} contracts: there is no rollback past it, only a way forward",
            f"passed: promotes {new}",
        ]


FOREIGN = f"evil.example.org/x:run-1-abcdef0@sha256:{'e' * 64}"
PATCHED = """- patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: {image}
  target:
    kind: Deployment
    name: web
replacements:"""


@pytest.mark.parametrize("how", ["a patch", "another entry", "the base"])
def test_an_image_moved_without_touching_its_entry(proven: Promotion, how: str) -> None:
    home = proven.home
    text = home.at(PROD)
    base = home.at("deploy/base/deployment.yaml")
    files = {
        "a patch": {PROD: text.replace("replacements:", PATCHED.format(image=FOREIGN))},
        "another entry": {
            PROD: text.replace(
                "patches:",
                f"- digest: sha256:{'e' * 64}\n  name: docker.io/financetracker/financetracker\n"
                "  newName: evil/x\n"
                "patches:", 1,
            )
        },
        "the base": {"deploy/base/deployment.yaml": base.replace("image: financetracker", f"image: {FOREIGN}")},
    }[how]  # fmt: skip
    assert next(iter(files.values())) not in (text, base)
    status, said = proven.judge(home.branch("quietly", files))
    assert status == 1
    assert any(line.startswith("refused: prod: ") and "which is not what is pinned" in line for line in said), said


def test_manifests_that_do_not_render_are_refused(proven: Promotion) -> None:
    head = proven.home.branch("broken", {"deploy/base/kustomization.yaml": "resources: [nothing.yaml]\n"})
    status, said = proven.judge(head)
    assert status == 1
    assert [line.partition(" render: ")[0] for line in said] == [
        "refused: staging does not", "refused: prod does not",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["images: 5\n", "images: [[[\n", "- 1\n", "\x00", "[" * 3000, "a: &a [*a]\n"])
def test_an_overlay_that_is_none_is_one_line(proven: Promotion, text: str) -> None:
    status, said = proven.judge(proven.home.branch("broken", {PROD: text}))
    assert status == 1
    assert said == [f"refused: {PROD}: more than tag and digest of the image changes: move the image on its own."]


def test_a_foreign_base_does_not_narrow_what_is_judged(proven: Promotion) -> None:
    """A base that is no commit of main could hide what a branch brings."""
    home = proven.home
    first = home.branch("first", {path_of(proven.old.digest): home.proof(proven.old).text()})
    home.git("checkout", "-q", "first")
    home.write({"README.md": "Only words.\n"})
    second = home.proposed("second")
    done = home.run("guard", "--base", first, "--head", second)
    assert done.status == 1
    assert path_of(proven.old.digest) in done.out


def test_unknown_commits_and_other_histories(proven: Promotion, tmp_path: Path) -> None:
    home = proven.home
    base = home.renew()
    done = home.run("guard", "--base", base, "--head", "0" * 40)
    assert (done.status, done.err) == (2, f"release guard: There is no commit {'0' * 40} here: fetch it first.\n")
    home.git("checkout", "-q", "--orphan", "orphan")
    home.git("commit", "-q", "-m", "Orphan")
    orphan = home.git("rev-parse", "HEAD")
    home.git("checkout", "-q", "-f", "main")
    done = home.run("guard", "--base", base, "--head", orphan)
    assert done.status == 2
    assert "has no commit in common with main" in done.err


def test_a_shallow_clone_is_completed(proven: Promotion) -> None:
    home = proven.home
    head = home.branch("promote/x", {PROD: home.with_image("prod", proven.new)})
    base = home.renew()
    shallow = home.folder / "shallow"
    url = f"file://{home.remote}"
    home.git("clone", "-q", "--depth", "1", "-b", "promote/x", url, str(shallow), at=home.folder)
    done = home.run("guard", "--base", base, "--head", head, "--clone", str(shallow))
    assert (done.status, done.out) == (0, f"passed: promotes {proven.new}\n"), done.err
