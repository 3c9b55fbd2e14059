"""Lays out the image's file system: Python, PostgreSQL's client programs and what those need, of Debian.

    python3 layout.py FOLDER

Runs inside the build, on a Debian that has the packages installed. Takes the files of the packages below,
and every library that a program or a module among them is linked with; leaves documentation, shells and
package managers behind. What was taken stands in /var/lib/dpkg/status.d, where scanners look for it.
Fails where a library is not found.
"""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = (
    "base-files",
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "media-types",
    "netbase",
    "python3-minimal",
    "python3.13",
    "python3.13-minimal",
    "tzdata",
)
FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/lib/postgresql/17/bin/pg_dump",
    "/usr/lib/postgresql/17/bin/pg_restore",
    "/usr/lib/postgresql/17/bin/psql",
)
# Named by the wheels of requirements.txt, which bring every other library along; or loaded by name.
LIBRARIES = ("libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libnss_dns.so.2", "libpthread.so.0", "libresolv.so.2",
             "librt.so.1", "libutil.so.1")  # fmt: skip
LEFT_OUT = re.compile(
    r"/usr/share/(doc|man|lintian|locale|info|bug|base-files|applications|pixmaps|menu|binfmts)/.*"
    r"|/usr/share/zoneinfo/(right|posix)/.*|/usr/lib/python3\.13/(idlelib|turtledemo|lib2to3|pydoc_data)/.*"
    r"|/usr/bin/(pydoc|pygettext|pdb|2to3).*|/etc/(update-motd\.d|profile\.d|motd|issue|debian_version).*"
    r"|/(var|run|root|home|boot|media|mnt|opt|srv)(/.*)?|/usr/(games|include|src|local)(/.*)?|/etc/(opt|skel)(/.*)?"
)
USERS = "root:x:0:0:root:/:/sbin/nologin\nfinancetracker:x:10001:10001:financetracker:/app:/sbin/nologin\n"
GROUPS = "root:x:0:\nfinancetracker:x:10001:\n"


def of(package: str) -> list[Path]:
    """The files of a package that the image wants."""
    said = subprocess.run(["dpkg-query", "-L", package], capture_output=True, text=True, check=True).stdout
    return [Path(line) for line in said.splitlines() if line != "/." and not LEFT_OUT.fullmatch(line)]


def put(path: Path, root: Path) -> None:
    """Copies one file, link or folder to its real place, and what a link points at."""
    target = root / Path(os.path.realpath(path.parent), path.name).relative_to("/")
    if path.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(target):
            target.symlink_to(os.readlink(path))
        if path.is_file():
            put(path.resolve(), root)
    elif path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif path.is_file() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def linked_with(root: Path) -> set[Path]:
    """The libraries of everything that was put into the image so far."""
    binaries = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and is_binary(path)]
    found: set[Path] = set()
    for path in binaries:
        said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        if "not found" in said:
            sys.exit(f"{path}: {said.strip()}")
        found.update(Path(name) for name in re.findall(r"(?:=> |^\s*)(/\S+) \(0x", said, re.MULTILINE))
    return found


def is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def note_packages(root: Path, names: set[str]) -> None:
    """What scanners read: one status file for each package that something was taken of."""
    folder = root / "var/lib/dpkg/status.d"
    folder.mkdir(parents=True)
    for name in sorted(names):
        said = subprocess.run(["dpkg-query", "-s", name], capture_output=True, text=True, check=True).stdout
        (folder / name.partition(":")[0]).write_text(said)


def owner(path: Path) -> str:
    """The package that a file belongs to; Debian knows some by their place before /usr was merged."""
    for name in (str(path), str(path).removeprefix("/usr")):
        said = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False).stdout
        if said:
            return said.split(": ")[0].split(",")[0]
    sys.exit(f"no package owns {path}")


def main(root: Path) -> None:
    root.mkdir()
    for name in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "etc", "tmp", "proc", "sys", "dev", "run", "app"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    names = set(PACKAGES)
    for package in PACKAGES:
        for path in of(package):
            put(path, root)
    for name in FILES:
        put(Path(name), root)
    libraries = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu"
    for library in sorted({*linked_with(root), *(libraries / name for name in LIBRARIES)}):
        names.add(owner(library.resolve()))
        put(library, root)
    names |= {owner(Path(name)) for name in FILES if name.startswith("/usr")} | {"ca-certificates"}
    note_packages(root, names)
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    for path in root.rglob("__pycache__"):
        shutil.rmtree(path)
    compileall.compile_dir(
        root / "usr/lib/python3.13",
        quiet=1,
        stripdir=str(root),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
