"""A backup that is not whole is refused, wherever it was cut or changed."""

import hashlib
import io
import json
import os
import random
import resource
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from financetracker.site import archive
from financetracker.site.archive import Broken, Writer, new_file, read

CONTENT = random.Random(4).randbytes(3000)
MANIFEST = {"made_at": "2026-11-23", "revision": "abc1234", "migrations": ["ledger.0001_initial"]}


def written(content: bytes = CONTENT, **manifest: Any) -> bytes:
    file = io.BytesIO()
    writer = Writer(file)
    writer.take(io.BytesIO(content))
    writer.finish({**MANIFEST, **manifest})
    return file.getvalue()


def content_of(data: bytes) -> tuple[bytes, dict[str, Any]]:
    found = read(io.BytesIO(data))
    return b"".join(found.dump()), found.manifest


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 3 << 20])
def test_what_was_written_is_read(size: int) -> None:
    content = random.Random(size).randbytes(size)
    dump, manifest = content_of(written(content))
    assert dump == content
    assert manifest == {
        "format": 1, **MANIFEST, "dump": {"size": size, "sha256": hashlib.sha256(content).hexdigest()},
    }  # fmt: skip


def test_other_programs_read_it_too(tmp_path: Path) -> None:
    (tmp_path / "one.backup").write_bytes(written())
    subprocess.run(["tar", "xf", "one.backup"], cwd=tmp_path, check=True)
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=True)
    assert checked.stdout == b"database.dump: OK\nmanifest.json: OK\n"


def test_cut_anywhere_it_is_refused() -> None:
    data = written()
    end = len(data.rstrip(b"\0"))  # the empty blocks at the end hold nothing
    for length in {0, 1, 511, 512, 513, *range(7, end, 97), end - 1}:
        with pytest.raises(Broken, match=r"is empty|ends too early|no backup of ours|differs"):
            read(io.BytesIO(data[:length]))
    read(io.BytesIO(data))


def test_with_any_byte_changed_it_is_refused_or_says_the_same() -> None:
    data = written()
    whole = content_of(data)
    refused = 0
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x41
        try:
            assert content_of(bytes(changed)) == whole, place
        except Broken:
            refused += 1
    assert refused > len(CONTENT) + len(json.dumps(MANIFEST)) + 2 * 64


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"-- PostgreSQL database dump\n" * 100, "The file is no backup of ours, or its beginning is damaged."),
        (bytes(10240), "The file is no backup of ours, or its beginning is damaged."),
    ],
    ids=["empty", "text", "zeros"],
)
def test_another_file_is_no_backup(data: bytes, sentence: str) -> None:
    with pytest.raises(Broken) as refused:
        read(io.BytesIO(data))
    assert str(refused.value) == sentence


def test_another_tar_is_no_backup() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("holiday.jpg"))
    with pytest.raises(Broken, match="no backup of ours"):
        read(file)


def test_another_format_names_the_revision_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(archive, "FORMAT", 2)
        data = written()
    with pytest.raises(Broken) as refused:
        read(io.BytesIO(data))
    assert str(refused.value) == (
        "It is of format 2, and this program reads format 1: use the revision that made it (abc1234)."
    )


def test_a_file_that_changes_while_it_is_read_is_noticed() -> None:
    file = io.BytesIO(written())
    found = read(file)
    file.seek(archive.BLOCK + 100)
    file.write(b"changed")
    with pytest.raises(Broken, match="changed while it was being read"):
        list(found.dump())


# --- The place of a new file


def test_a_file_is_there_as_a_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    (tmp_path / "one.backup.part").write_text("left by a killed run")
    with new_file(path, force=False) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    path.write_text("kept")
    with pytest.raises(Broken) as refused, new_file(path, force=False):
        pass
    assert str(refused.value) == f"{path} is there already: name another file, or say --force to replace it."
    with pytest.raises(Broken, match="is a folder: name a file"), new_file(tmp_path, force=True):
        pass
    with new_file(path, force=True) as file:
        file.write(b"new")
    assert path.read_text() == "new"


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    path.write_text("kept")
    with pytest.raises(ZeroDivisionError), new_file(path, force=True) as file:
        file.write(bytes([1 // (len(b"half") - 4)]))
    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from financetracker.site.archive import new_file\n"
        "with new_file(Path(sys.argv[1]), force=False) as file: file.write(bytes(1 << 20))"
    )

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "one.backup"],
        cwd=Path(archive.__file__).parents[2], capture_output=True, text=True, check=False, preexec_fn=little_room,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []
