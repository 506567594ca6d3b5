"""The releases that are pushed: the public pair or some packages of it, older variants of one, and made-up ones.

All live on the tmpfs of the run as copies, because every timed run is preceded by `touch`, which gives a release
all-new modification times, as a checkout by a CI does.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

PAGE = 4096
INODE = 1100
"""What tmpfs takes for an inode and its name, about."""


def copy(source: Path, target: Path, packages: tuple[str, ...] = ()) -> Path:
    """A copy of a release, or of the named packages in it alone."""
    if not packages:
        shutil.copytree(source, target, symlinks=True)
    for package in packages:
        shutil.copytree(source / package, target / package, symlinks=True)
    return target


def touch(release: Path) -> None:
    """Gives every entry a new modification time, and lets the clock of the file system pass on."""
    for folder, folders, files in os.walk(release):
        for name in folders + files:
            os.utime(os.path.join(folder, name), follow_symlinks=False)
    time.sleep(0.05)


def older(release: Path, target: Path, age: int) -> Path:
    """A variant of `release` that differs slightly: every fiftieth file has further lines, other files at every age."""
    copy(release, target)
    for file in files(target)[age % 50 :: 50]:
        with file.open("ab") as stream:
            stream.write(b"\n# as it was %d pushes ago\n" % age * age)
    return target


def files(release: Path) -> list[Path]:
    """All files, in an order that is the same everywhere."""
    return sorted(path for path in release.rglob("*") if path.is_file() and not path.is_symlink())


def size_in_memory(release: Path) -> int:
    """What one copy takes on a tmpfs, about."""
    total = 0
    for folder, folders, names in os.walk(release):
        total += INODE * (len(folders) + len(names))
        for name in names:
            total += -(-os.lstat(os.path.join(folder, name)).st_size // PAGE) * PAGE
    return total
