"""The releases that are pushed: the public pair or some packages of it, older variants of one, and made-up ones.

All live on the tmpfs of the run as copies, because every timed run is preceded by `touch`, which gives a release
all-new modification times, as a checkout by a CI does.
"""

from __future__ import annotations

import os
import shutil
import time
from hashlib import sha256
from pathlib import Path
from random import Random

PAGE = 4096
INODE = 1100
"""What tmpfs takes for an inode and its name, about."""
BLOCK = 16 << 20


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


def made_up(target: Path, count: int, seed: int = 1) -> Path:
    """So many small files, a hundred in a folder, the same at every run; nothing in them repeats."""
    random = Random(seed)
    for number in range(count):
        folder = target / f"{number // 10_000:02}" / f"{number // 100 % 100:02}"
        if number % 100 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number % 100:02}.dat").write_bytes(random.randbytes(random.randint(100, 3000)))
    return target


def images(target: Path, size: int, seed: int = 5) -> Path:
    """So many bytes in files of the sizes that a shop's images have, 20 to 400 kB, a hundred in a folder.

    Nothing in them repeats, as in the data of a JPEG, whose first bytes they have: what a program takes by the name or by the
    head of a file for an image, and what it finds in it, fit together.
    """
    random = Random(seed)
    number = 0
    while size > 0:
        folder = target / f"{number // 100:03}"
        folder.mkdir(parents=True, exist_ok=True)
        content = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + random.randbytes(random.randint(20_000, 400_000))
        (folder / f"{number:05}.jpg").write_bytes(content)
        size -= len(content)
        number += 1
    return target


def overwrite(file: Path, places: int, length: int, seed: int = 6) -> None:
    """Overwrites so many places of a file with bytes that are nowhere else."""
    random = Random(seed)
    size = file.stat().st_size
    with file.open("r+b") as stream:
        for _ in range(places):
            stream.seek(random.randrange(size - length))
            stream.write(random.randbytes(length))


def change(release: Path, every: int) -> None:
    """Appends to one file in so many."""
    for file in files(release)[::every]:
        with file.open("ab") as stream:
            stream.write(b"changed\n")


def big_file(release: Path, size: int, seed: int = 1) -> Path:
    """A release of one file in which nothing repeats."""
    random = Random(seed)
    release.mkdir()
    with (release / "volume.img").open("wb") as stream:
        for _ in range(0, size, BLOCK):
            stream.write(random.randbytes(BLOCK))
    return release / "volume.img"


def edit(file: Path, places: int) -> None:
    """Overwrites a few bytes at so many places of a file."""
    size = file.stat().st_size
    with file.open("r+b") as stream:
        for place in range(places):
            stream.seek(size * (2 * place + 1) // (2 * places))
            stream.write(b"changed")


def bundles(sources: Path, target: Path, build: int, count: int = 60) -> Path:
    """A web application's bundles as a build makes them: named after their content, which changes a little every time.

    Their text is real: the larger Python files of `sources`, about 100 kB a bundle. Two of three have words in their
    name, one has a number, as bundlers give it to parts that are loaded later. In every bundle five lines have the
    number of the build; `runtime` and `index.html` name all the others.
    """
    texts = [file for file in files(sources) if file.suffix == ".py" and file.stat().st_size > 8000][: 5 * count]
    target.mkdir()
    names = []
    for number in range(count):
        parts = texts[number::count]
        lines = b"".join(part.read_bytes() for part in parts).splitlines(keepends=True)
        for place in range(5):
            lines.insert(len(lines) * (2 * place + 1) // 10, b"const build%d = %d\n" % (place, build * 1_000_003))
        stem = f"{number + 100}" if number % 3 == 0 else f"{parts[0].parent.name}-{parts[0].stem}"
        names.append(_named_after_content(target, stem, b"".join(lines)))
    _named_after_content(target, "runtime", "\n".join(names).encode())
    (target / "index.html").write_text("\n".join(f'<script src="{name}"></script>' for name in names))
    return target


def _named_after_content(folder: Path, stem: str, content: bytes) -> str:
    name = f"{stem}.{sha256(content).hexdigest()[:8]}.js"
    (folder / name).write_bytes(content)
    return name
