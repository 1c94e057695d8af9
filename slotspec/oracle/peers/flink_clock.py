"""Virtual time for those of Flink's classes that read the system's clock, and numbered requests.

In a copy of the class files, ``System.currentTimeMillis()`` becomes ``slotspec.Clock``'s method
of the same name, which returns a field that the peer sets. Nothing else changes. The ids of slot
requests are a class of our own, which numbers them where Flink draws random ones.
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
"""The class whose static field ``now`` is the time in ms, and ``ids`` the last number of an id."""
REQUEST_ID = "org.apache.flink.runtime.jobmaster.SlotRequestId"
"""Its new ids are random in Flink. Maps with such keys decide who is served first."""
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

_FORM = "2"
"""Must change whenever the patched classes change."""
_METHOD = b"currentTimeMillis"
_UTF8, _LONG, _DOUBLE, _CLASS, _FIELD, _METHOD_OF_CLASS, _NAME_AND_TYPE = 1, 5, 6, 7, 9, 10, 12
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4}
"""Bytes of a constant after its tag; 1 is a text with its length, 19 and 20 are of modules."""


def patched_classes(jar: Path) -> Path:
    """A folder for the class path, before the jar, with the patched classes of a release."""
    stat = jar.stat()
    target = cache_folder() / f"flink-{key_of(str(jar), str(stat.st_mtime_ns), _FORM, *PATCHED)}"
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=cache_folder()) as made, zipfile.ZipFile(jar) as zipped:
        present = set(zipped.namelist())
        classes = {name: redirect(zipped.read(name)) for name in PATCHED if name in present}
        classes[f"{CLOCK.replace('.', '/')}.class"] = clock_class()
        classes[f"{REQUEST_ID.replace('.', '/')}.class"] = request_id_class()
        for name, data in classes.items():
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


class _Constants:
    """The constant pool of a class file that is being written."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def _add(self, entry: bytes) -> int:
        if entry not in self.entries:
            self.entries.append(entry)
        return self.entries.index(entry) + 1

    def text(self, value: str) -> int:
        return self._add(_text(value.encode()))

    def reference(self, name: str) -> int:
        return self._add(_reference(self.text(name.replace(".", "/"))))

    def member(self, tag: int, owner: str, name: str, kind: str) -> bytes:
        """The number of a field or method, as an operand."""
        named = self._add(_pair(_NAME_AND_TYPE, self.text(name), self.text(kind)))
        return struct.pack(">H", self._add(_pair(tag, self.reference(owner), named)))


_Method = tuple[int, str, str, int, int, bytes]
"""Access, name, type, most values on the stack, local variables, code."""
_PUBLIC, _STATIC, _FINAL_SUPER, _JAVA_8 = 0x0001, 0x0008, 0x0030, 52


def _class_file(
    constants: _Constants, name: str, parent: str, fields: list[str], methods: list[_Method]
) -> bytes:
    """A public final class with public static fields of type long."""
    head = struct.pack(
        ">HHHH", _PUBLIC | _FINAL_SUPER, constants.reference(name), constants.reference(parent), 0
    )
    body = struct.pack(">H", len(fields))
    for field in fields:
        kind = constants.text(field), constants.text("J")
        body += struct.pack(">HHHH", _PUBLIC | _STATIC, *kind, 0)
    body += struct.pack(">H", len(methods))
    for access, method, kind_, stack, variables, code in methods:
        attribute = struct.pack(">HHI", stack, variables, len(code)) + code + bytes(4)
        named = constants.text(method), constants.text(kind_), 1, constants.text("Code")
        body += struct.pack(">HHHHHI", access, *named, len(attribute)) + attribute
    return (
        struct.pack(">IHHH", 0xCAFEBABE, 0, _JAVA_8, len(constants.entries) + 1)
        + b"".join(constants.entries)
        + head
        + body
        + struct.pack(">H", 0)
    )


def clock_class() -> bytes:
    """The class file of ``slotspec.Clock``: the time ``now``, and the last of its ``ids``."""
    constants = _Constants()
    now = constants.member(_FIELD, CLOCK, "now", "J")
    ids = constants.member(_FIELD, CLOCK, "ids", "J")
    read_now = b"\xb2" + now + b"\xad"  # getstatic now; lreturn
    # getstatic ids; lconst_1; ladd; dup2; putstatic ids; lreturn
    count = b"\xb2" + ids + b"\x0a\x61\x5c\xb3" + ids + b"\xad"
    methods: list[_Method] = [
        (_PUBLIC | _STATIC, _METHOD.decode(), "()J", 2, 0, read_now),
        (_PUBLIC | _STATIC, "nextId", "()J", 4, 0, count),
    ]
    return _class_file(constants, CLOCK, "java.lang.Object", ["now", "ids"], methods)


def request_id_class() -> bytes:
    """A class file of SlotRequestId whose new ids are numbered and have one hash value."""
    constants = _Constants()
    new = constants.member(_METHOD_OF_CLASS, "org.apache.flink.util.AbstractID", "<init>", "(JJ)V")
    next_id = constants.member(_METHOD_OF_CLASS, CLOCK, "nextId", "()J")
    # aload_0; invokestatic nextId; dup2; invokespecial new; return
    numbered = b"\x2a\xb8" + next_id + b"\x5c\xb7" + new + b"\xb1"
    given = b"\x2a\x1f\x21\xb7" + new + b"\xb1"  # aload_0; lload_1; lload_3; …
    methods: list[_Method] = [
        (_PUBLIC, "<init>", "()V", 5, 1, numbered),
        (_PUBLIC, "<init>", "(JJ)V", 5, 5, given),
    ]
    parent = "org.apache.flink.util.AbstractID"
    return _class_file(constants, REQUEST_ID, parent, [], methods)
