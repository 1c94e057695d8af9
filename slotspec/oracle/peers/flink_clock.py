"""Virtual time for those of Flink's classes that read the system's clock themselves.

In a copy of their class files, ``System.currentTimeMillis()`` becomes ``slotspec.Clock``'s method
of the same name, which returns a field that the peer sets. Nothing else changes.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zipfile
from pathlib import Path

from slotspec.statemachine.compiler.backend.cache import folder as cache_folder
from slotspec.statemachine.compiler.backend.cache import key_of

CLOCK = "slotspec.Clock"
"""The class whose static field ``now`` is the time in ms."""
PATCHED = tuple(
    f"org/apache/flink/runtime/{name}.class"
    for name in (
        "resourcemanager/slotmanager/SlotManagerImpl",
        "resourcemanager/slotmanager/TaskManagerRegistration",
        "resourcemanager/slotmanager/PendingSlotRequest",
        "resourcemanager/slotmanager/FineGrainedSlotManager",
        "resourcemanager/slotmanager/FineGrainedTaskManagerRegistration",
        "resourcemanager/slotmanager/DefaultResourceAllocationStrategy",
        "jobmaster/slotpool/DefaultDeclarativeSlotPool",
    )
)
"""The class files that read the clock, as far as a release has them."""

_METHOD = b"currentTimeMillis"
_UTF8, _LONG, _DOUBLE, _CLASS, _FIELD, _METHOD_OF_CLASS, _NAME_AND_TYPE = 1, 5, 6, 7, 9, 10, 12
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4}
"""Bytes of a constant after its tag; 1 is a text with its length, 19 and 20 are of modules."""


def patched_classes(jar: Path) -> Path:
    """A folder for the class path, before the jar, with the patched classes of a release."""
    stat = jar.stat()
    target = cache_folder() / f"flink-{key_of(str(jar), str(stat.st_mtime_ns), *PATCHED)}"
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=cache_folder()) as made, zipfile.ZipFile(jar) as zipped:
        present = set(zipped.namelist())
        classes = {name: redirect(zipped.read(name)) for name in PATCHED if name in present}
        for name, data in {**classes, f"{CLOCK.replace('.', '/')}.class": clock_class()}.items():
            (Path(made) / "classes" / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(made) / "classes" / name).write_bytes(data)
        try:
            os.rename(Path(made) / "classes", target)
        except OSError:
            if not target.is_dir():  # another process may have been first
                raise
    return target


def _text(value: bytes) -> bytes:
    return struct.pack(">BH", _UTF8, len(value)) + value


def _pair(tag: int, first: int, second: int) -> bytes:
    return struct.pack(">BHH", tag, first, second)


def _reference(to: int) -> bytes:
    return struct.pack(">BH", _CLASS, to)


def redirect(data: bytes) -> bytes:
    """A class file that asks ``slotspec.Clock`` for the time, instead of the system."""
    (count,) = struct.unpack_from(">H", data, 8)
    places, at, number = {}, 10, 1
    while number < count:
        tag = data[at]
        places[number] = at
        size = 2 + struct.unpack_from(">H", data, at + 1)[0] if tag == _UTF8 else _SIZES[tag]
        at += 1 + size
        number += 2 if tag in (_LONG, _DOUBLE) else 1

    def pair(constant: int) -> tuple[int, int]:
        first, second = struct.unpack_from(">HH", data, places[constant] + 1)
        return first, second

    def is_clock(method: int) -> bool:
        name, _ = pair(pair(method)[1])
        return data[places[name] + 3 :].startswith(_METHOD)

    changed = bytearray(data[:at])
    for constant, place in places.items():
        if data[place] == _METHOD_OF_CLASS and is_clock(constant):
            struct.pack_into(">H", changed, place + 1, count + 1)
    struct.pack_into(">H", changed, 8, count + 2)
    return bytes(changed) + _text(CLOCK.replace(".", "/").encode()) + _reference(count) + data[at:]


def clock_class() -> bytes:
    """The class file of a clock: ``public static long now``, and a method that returns it."""
    constants = [
        _text(CLOCK.replace(".", "/").encode()),
        _reference(1),
        _text(b"java/lang/Object"),
        _reference(3),
        _text(b"now"),
        _text(b"J"),
        _pair(_NAME_AND_TYPE, 5, 6),
        _pair(_FIELD, 2, 7),
        _text(_METHOD),
        _text(b"()J"),
        _text(b"Code"),
    ]
    public_static, public_super, java_8 = 0x0009, 0x0021, 52
    field = struct.pack(">HHHH", public_static, 5, 6, 0)
    code = struct.pack(">BHB", 0xB2, 8, 0xAD)  # getstatic now; lreturn
    body = struct.pack(">HHI", 2, 0, len(code)) + code + struct.pack(">HH", 0, 0)
    method = struct.pack(">HHHHHI", public_static, 9, 10, 1, 11, len(body)) + body
    return b"".join(
        (
            struct.pack(">IHHH", 0xCAFEBABE, 0, java_8, len(constants) + 1),
            *constants,
            struct.pack(">HHHH", public_super, 2, 4, 0),
            struct.pack(">H", 1) + field,
            struct.pack(">H", 1) + method,
            struct.pack(">H", 0),
        )
    )
