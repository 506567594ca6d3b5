"""A host that says what another said: `record` makes an agent whose replies are kept, `replayed` one that gives them.

For fleets that have no room on one machine. The replayed host follows docs/protocol.md as far as a cold stage goes: it
reads each request, and answers where the real agent answered, with the same bytes. Nothing is written to a disk.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HELLO, STAGE, MANIFEST, FRAMES_END, FINISH = 0x01, 0x03, 0x04, 0x07, 0x0D
SAYS_HELLO, SAYS_NEEDS, SAYS_STAGED = 0x81, 0x87, 0x8A


def record(agent: Path, recording: Path) -> Path:
    """A program that is the agent, and leaves all that it says in `recording`."""
    return _script(recording.with_suffix(".recorder"), f"'{agent}' \"$@\" | tee '{recording}'")


def replayed(recording: Path) -> Path:
    """A program that takes the agent's place."""
    return _script(recording.with_suffix(".replayer"), f"exec '{sys.executable}' -I -S '{__file__}' '{recording}'")


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _messages(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each message: u32 length, u8 type, the rest."""
    while header := stream.read(5):
        yield header[4], stream.read(int.from_bytes(header[:4], "little") - 1)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def _manifest_length(stage: bytes) -> int:
    """Field `manifest length` of the request `stage`."""
    name_length, at = _varint(stage, 16)
    at += name_length + 1
    at += 17 if stage[at] else 1
    return _varint(stage, at)[0]


def _serve(recording: Path) -> None:
    said: dict[int, bytes] = {}
    with recording.open("rb") as stream:
        for kind, payload in _messages(stream):
            said[kind] = said.get(kind, b"") + (len(payload) + 1).to_bytes(4, "little") + bytes([kind]) + payload

    def say(kind: int) -> None:
        sys.stdout.buffer.write(said[kind])
        sys.stdout.buffer.flush()

    missing = 0
    for kind, payload in _messages(sys.stdin.buffer):
        if kind == HELLO:
            say(SAYS_HELLO)
        elif kind == STAGE:
            missing = _manifest_length(payload)
        elif kind == MANIFEST:
            missing -= _varint(payload, 0)[0]
            if missing == 0:
                say(SAYS_NEEDS)
        elif kind == FRAMES_END:
            say(SAYS_STAGED)
        elif kind == FINISH:
            return


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
