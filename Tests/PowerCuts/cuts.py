"""Makes the disks that a power cut may leave, from the log of a recording disk.

What was flushed before the cut is on the disk. Of what came after the last flush, any part may be: nothing, all that
was sent, or a choice of the writes drawn at random, whole sectors each.
"""

import os
import random

from disk import copy_sparse

SECTOR = 512
# Beside the two ends, so many choices of unflushed writes are drawn where something was told.
DRAWN = 2


class Cut:
    """A place in a log and a choice of the writes that no flush had covered there."""

    def __init__(self, position, choice, seed):
        self.position, self.choice, self.seed = position, choice, seed

    def __str__(self):
        return f"{self.choice} of what was not flushed at byte {self.position} of the log (seed {self.seed})"


def places(log, first, last):
    """The positions from `first` to `last` where a cut tells something: before and behind each flush, and in between."""
    found, before, behind_flush = [], first, False
    for position, _, data in log.records():
        if position <= first:
            continue
        if position > last:
            break
        if data is None:
            found += [before, position]
        elif behind_flush:
            found.append(position)
        behind_flush, before = data is None, position
    return sorted({*found, before})


def draw(told, others, count, seed):
    """So many cuts: at the positions where something was told before the others, at the two ends before any choice."""
    generator = random.Random(seed)

    def at(positions, drawn):
        ends = [Cut(position, choice, 0) for position in positions for choice in ("nothing", "all")]
        return ends + [Cut(position, "a part", generator.getrandbits(32)) for position in positions for _ in range(drawn)]

    first, second = at(told, DRAWN), at(others, 0)
    cuts = generator.sample(first, min(len(first), max(count // 2, count - len(second))))
    cuts += generator.sample(second, min(len(second), count - len(cuts)))
    while others and len(cuts) < count:
        cuts += at(generator.sample(others, min(len(others), count - len(cuts))), 1)[-(count - len(cuts)):]
    return sorted(cuts, key=lambda cut: cut.position)


def disks(disk, cuts):
    """Makes the disk of each cut, one after the other, and yields the cut and the disk's file. `cuts` are sorted.

    Each is a file of its own: what a loop device remembers of a file outlasts its mount.
    """
    flushed = os.path.join(disk.folder, "flushed")
    copy_sparse(disk.base, flushed)
    records = disk.log.records()
    pending, ahead = [], next(records, None)
    with open(flushed, "r+b", buffering=0) as image:
        for number, cut in enumerate(cuts):
            while ahead and ahead[0] <= cut.position:
                _, offset, data = ahead
                if data is None:
                    for offset, data in pending:
                        os.pwrite(image.fileno(), data, offset)
                    pending = []
                else:
                    pending.append((offset, data))
                ahead = next(records, None)
            target = os.path.join(disk.folder, f"trial-{number}")
            copy_sparse(flushed, target)
            with open(target, "r+b", buffering=0) as trial:
                for offset, data in chosen(pending, cut):
                    os.pwrite(trial.fileno(), data, offset)
            yield cut, target
            os.remove(target)
    os.remove(flushed)


def chosen(pending, cut):
    """The writes, or sectors of them, that reached the disk."""
    if cut.choice == "nothing":
        return
    generator = random.Random(cut.seed)
    share = generator.choice((0.2, 0.5, 0.8))
    for offset, data in pending:
        if cut.choice == "all":
            yield offset, data
        elif generator.random() < 0.2:
            for start in range(0, len(data), SECTOR):
                if generator.random() < share:
                    yield offset + start, data[start : start + SECTOR]
        elif generator.random() < share:
            yield offset, data
