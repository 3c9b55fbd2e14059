"""The file of a backup: an uncompressed tar of what pg_dump wrote, a manifest that tells of it, and their SHA-256.

    database.dump   pg_dump's custom format, with rights
    manifest.json   when, of what, by what, and what must be found again after it was restored
    SHA256SUMS      of both; `tar xf FILE && sha256sum -c SHA256SUMS` checks it without this program

The dump comes first, so that it is written once, as it arrives, whatever its size; its header is written when
the size is known.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

FORMAT = 1
DUMP, MANIFEST, SUMS = NAMES = ("database.dump", "manifest.json", "SHA256SUMS")
CHUNK = 1 << 20
BLOCK = tarfile.BLOCKSIZE
# Manifest and sums are read into memory: more than this is no manifest of ours.
MOST = 16 << 20


class Broken(Exception):
    """This is no whole backup: says in one sentence why not."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup that was read and found whole. `file` is open; the dump is `size` bytes of it from `offset` on."""

    file: IO[bytes]
    offset: int
    size: int
    sha256: str
    manifest: dict[str, Any]

    def dump(self) -> Iterator[bytes]:
        """Yield the dump in pieces; raises Broken at its end if it is not what was checked."""
        digest = hashlib.sha256()
        for piece in pieces(self.file, self.offset, self.size):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self.sha256:
            raise Broken("The file was changed while it was being read.")


def pieces(file: IO[bytes], offset: int, size: int) -> Iterator[bytes]:
    """Yield so many bytes of a file; raises Broken where there are fewer."""
    file.seek(offset)
    while size:
        piece = file.read(min(CHUNK, size))
        if not piece:
            raise Broken("The file ends too early: it was cut short.")
        size -= len(piece)
        yield piece


# --- Writing


class Writer:
    """Writes a backup into an empty file that can be sought: `take` the dump, then `finish`."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.size = 0
        self.manifest: dict[str, Any] = {}
        file.seek(BLOCK)

    def take(self, dump: IO[bytes]) -> None:
        """Copy the dump from a stream."""
        while piece := dump.read(CHUNK):
            self.digest.update(piece)
            self.size += len(piece)
            self.file.write(piece)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the rest; `format` and `dump` are added to the manifest."""
        sha256 = self.digest.hexdigest()
        manifest = {"format": FORMAT, **manifest, "dump": {"size": self.size, "sha256": sha256}}
        told = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
        sums = f"{sha256}  {DUMP}\n{hashlib.sha256(told).hexdigest()}  {MANIFEST}\n".encode()
        self.manifest = manifest
        self.file.write(padding(self.size))
        for name, content in ((MANIFEST, told), (SUMS, sums)):
            self.file.write(header(name, len(content)) + content + padding(len(content)))
        self.file.write(bytes(2 * BLOCK))
        self.file.seek(0)
        self.file.write(header(DUMP, self.size))
        self.file.flush()


def header(name: str, size: int) -> bytes:
    """Return the tar header of a file that only its owner reads. It holds no time and no name of a user."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    """Return what fills the last block of a file in a tar."""
    return bytes(-size % BLOCK)


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Open a file beside the place of a new one, for the owner's eyes only, and move it there whole.

    Nothing is left of it if the block fails. What a killed run left behind is written over.
    """
    if path.is_dir():
        raise Broken(f"{path} is a folder: name a file.")
    if path.exists() and not force:
        raise Broken(f"{path} is there already: name another file, or say --force to replace it.")
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# --- Reading


def read(file: IO[bytes]) -> Archive:
    """Read a backup from its first byte to its last; raises Broken where it is not whole, or not of our kind."""
    found = members(file)
    offset, size = found[DUMP]
    told = b"".join(pieces(file, *found[MANIFEST]))
    listed = b"".join(pieces(file, *found[SUMS])).decode("ascii", "replace").splitlines()
    digest = hashlib.sha256()
    for piece in pieces(file, offset, size):
        digest.update(piece)
    sums = {DUMP: digest.hexdigest(), MANIFEST: hashlib.sha256(told).hexdigest()}
    for name, sha256 in sums.items():
        if f"{sha256}  {name}" not in listed:
            raise Broken(f"{name} is not what was saved: its SHA-256 differs. The file was damaged or changed.")
    try:
        manifest = json.loads(told)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise Broken("Its manifest is not JSON of ours.")
    if manifest.get("format") != FORMAT:
        raise Broken(
            f"It is of format {manifest.get('format')}, and this program reads format {FORMAT}: use the revision"
            f" that made it ({manifest.get('revision') or 'it does not say which'})."
        )
    if manifest.get("dump") != {"size": size, "sha256": sums[DUMP]}:
        raise Broken("Its manifest tells of another dump.")
    return Archive(file, offset, size, sums[DUMP], manifest)


def members(file: IO[bytes]) -> dict[str, tuple[int, int]]:
    """Return where the three parts of a backup stand: name to offset and size."""
    end = file.seek(0, io.SEEK_END)
    if not end:
        raise Broken("The file is empty.")
    file.seek(0)
    found: dict[str, tuple[int, int]] = {}
    with suppress(tarfile.TarError, OSError, EOFError), tarfile.open(fileobj=file, mode="r:") as tar:
        for part in tar:
            found[part.name] = (part.offset_data, part.size)
    if DUMP not in found:
        raise Broken("The file is no backup of ours, or its beginning is damaged.")
    missing = [name for name in NAMES if name not in found]
    if missing or any(offset + size > end for offset, size in found.values()):
        raise Broken("The file ends too early, or is damaged in the middle: it was cut short.")
    if any(size > MOST for name, (_offset, size) in found.items() if name != DUMP):
        raise Broken("The file is no backup of ours.")
    return {name: found[name] for name in NAMES}
