"""`render`: the environments as they are, and what a change does to them."""

from pathlib import Path

import yaml

from deploy.release.images import overlay
from tests.deploy.release.house import House

PROD = overlay("prod")


def test_both_environments_as_one_stream(home: House) -> None:
    done = home.run("render")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("# staging\n")
    spaces = [one["metadata"]["namespace"] for one in yaml.safe_load_all(done.out) if one["kind"] == "Deployment"]
    assert spaces == ["financetracker-staging", "financetracker-prod"]


def test_into_a_folder(home: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dry = home.run("render", "--out", str(out), "--dry-run")
    assert dry.out == f"would write {out}/staging.yaml\nwould write {out}/prod.yaml\n"
    assert not out.exists()
    done = home.run("render", "--out", str(out))
    assert (done.status, done.out) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["prod.yaml", "staging.yaml"]
    assert "financetracker-prod" in (out / "prod.yaml").read_text()


def test_what_changes_since_a_revision(home: House) -> None:
    image = home.image(12, home.commit("One"))
    home.write({PROD: home.with_image("prod", image)})
    before = home.everything()
    done = home.run("render", "--base", "origin/main")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("### staging\n\nNothing changes.\n\n### prod\n\n```diff\n--- before\n+++ after\n")
    assert done.out.endswith("\n```\n")
    moved = [line for line in done.out.splitlines() if line.startswith("+") and image.digest in line]
    assert moved
    assert all(str(image) in line for line in moved)
    assert home.everything() == before


def test_a_fence_in_what_changes_does_not_end_the_block(home: House) -> None:
    text = home.at(PROD).replace("ALLOWED_HOSTS=", "ALLOWED_HOSTS=```")
    home.write({PROD: text})
    done = home.run("render", "--base", "main")
    assert "### prod\n\n````diff\n" in done.out
    assert done.out.endswith("\n````\n")


def test_a_base_that_does_not_render_is_named(home: House) -> None:
    right = home.at("deploy/base/kustomization.yaml")
    broken = home.commit("Break", {"deploy/base/kustomization.yaml": "resources: [nothing.yaml]\n"})
    home.commit("Repair", {"deploy/base/kustomization.yaml": right})
    done = home.run("render", "--base", broken)
    assert done.status == 0
    assert done.out.startswith("At the base, staging does not render: ")
    assert "+kind: Deployment" in done.out


def test_bad_input_is_one_line(home: House) -> None:
    done = home.run("render", "--base", "nothing")
    assert (done.status, done.out) == (2, "")
    assert done.err == "release render: There is no commit nothing here: fetch it first.\n"
    home.write({"deploy/base/kustomization.yaml": "resources: [nothing.yaml]\n"})
    done = home.run("render")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("release render: staging does not render: ")
    assert len(done.err.splitlines()) == 1
