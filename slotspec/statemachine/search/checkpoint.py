"""Checkpoints of a search: what it has found so far, in files that survive ``kill -9``.

A folder holds one checkpoint. A state never changes once it is found, so each save adds a
*part* with the states found since the last save. What does change (fingerprints, and the
frontier if states are not kept) is rewritten. ``manifest.json`` lists the files with their
checksums. One rename replaces it, so it describes a complete checkpoint at any moment.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from slotspec.statemachine.errors import InputError, UsageError
from slotspec.version import __version__

FORM = 2
MANIFEST = "manifest.json"
SECONDS = 30.0
"""The most work, in seconds, that a killed search loses, apart from the time to save."""


def damaged(folder: Path, what: str) -> InputError:
    return InputError(
        "CKP002", f"checkpoint {folder} is damaged ({what}); delete the folder and start anew"
    )


class Checkpoint:
    """The files of one search.

    :param identity: what a checkpoint and the search that resumes it must have in common.
    :raises UsageError: ``SET034`` if the folder holds a checkpoint that would be overwritten.
    :raises InputError: ``CKP001`` if there is no checkpoint to resume, ``CKP002`` if it is
        damaged, ``CKP003`` if it belongs to a different search, ``CKP004`` if the folder cannot
        be written.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], resume: bool) -> None:
        self.folder = Path(folder)
        self.identity = {"form": FORM, "slotspec": __version__, **identity}
        self.files: list[dict[str, Any]] = []
        self.number = 0
        self.state: dict[str, Any] | None = None
        there = (self.folder / MANIFEST).exists()
        if there and not resume:
            raise UsageError(
                "SET034",
                f"{self.folder} holds the checkpoint of an earlier search; resume it, or name"
                " another folder",
            )
        if resume and not there:
            raise InputError("CKP001", f"{self.folder} holds no checkpoint; start without resume")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unwritable(error) from None
        if resume:
            self.read_manifest()

    def unwritable(self, error: OSError) -> InputError:
        return InputError("CKP004", f"checkpoint {self.folder} cannot be written: {error}")

    def read_manifest(self) -> None:
        try:
            text = (self.folder / MANIFEST).read_bytes()
            document = json.loads(text)
            body = document["body"]
            good = document["sum"] == self.sum_of(self.canonical(body))
        except (OSError, ValueError, KeyError, TypeError):
            raise damaged(self.folder, MANIFEST) from None
        if not good:
            raise damaged(self.folder, MANIFEST)
        for name, ours in self.identity.items():
            theirs = body["identity"].get(name)
            if theirs != ours:
                raise InputError(
                    "CKP003",
                    f"checkpoint {self.folder} was made with another {name}: {theirs}, not"
                    f" {ours}; resume it with the same, or start anew in another folder",
                )
        self.files, self.number, self.state = body["files"], body["number"], body["state"]

    @staticmethod
    def canonical(body: Any) -> bytes:
        return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

    @staticmethod
    def sum_of(data: Any) -> str:
        return hashlib.blake2b(data, digest_size=32).hexdigest()

    def write(self, kind: str, arrays: list[Any], **about: Any) -> dict[str, Any]:
        """Write arrays into a new file, in order; returns its manifest entry."""
        name = f"{kind}-{self.number + 1}-{about.get('worker', 0)}.bin"
        digest = hashlib.blake2b(digest_size=32)
        size = 0
        with (self.folder / name).open("wb") as file:
            for array in arrays:
                contiguous: Any = np.ascontiguousarray(array)
                data = memoryview(contiguous).cast("B")
                digest.update(data)
                size += len(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return {"kind": kind, "name": name, "sum": digest.hexdigest(), "size": size, **about}

    def read(self, entry: dict[str, Any]) -> bytes:
        """The content of a file that the manifest lists."""
        try:
            data: bytes = (self.folder / str(entry["name"])).read_bytes()
        except OSError:
            raise damaged(self.folder, f"{entry['name']} is missing") from None
        if len(data) != entry["size"] or self.sum_of(data) != entry["sum"]:
            raise damaged(self.folder, entry["name"])
        return data

    def commit(self, files: list[dict[str, Any]], state: dict[str, Any]) -> None:
        """Commit these files and this state as the checkpoint."""
        old = {entry["name"] for entry in self.files}
        body = {
            "identity": self.identity,
            "number": self.number + 1,
            "files": files,
            "state": state,
        }
        document = {"body": body, "sum": self.sum_of(self.canonical(body))}
        fresh = self.folder / (MANIFEST + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.folder / MANIFEST)
        self.files, self.number, self.state = files, self.number + 1, state
        for name in old - {entry["name"] for entry in files}:
            (self.folder / name).unlink(missing_ok=True)
