"""Read the instance and the path of a request from its query; trust no input."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from threading import Lock
from typing import Any

from slotspec.bugs import Bug, known_bugs
from slotspec.explorer.errors import RequestError
from slotspec.statemachine.declaration.model import Call, Instance, Model, ParameterDomain
from slotspec.statemachine.declaration.records import Setting, Sort
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import SlotspecError, StepError, suggest
from slotspec.statemachine.formatting import TraceFormatter, formatter_of
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, TraceStep

LONGEST_PATH = 1000
MOST_CALLS = 5_000
"""The maximum number of calls of an instance, all of which each view tries."""
KEPT = 16
"""The number of instances in the cache."""
ABOUT = frozenset({"model", "generation", "scope", "set", "bug", "path"})
"""The parameters of every request about a state."""


@dataclass
class Ready:
    """An instance with all that a request needs; `lock` admits one request at a time."""

    instance: Instance
    interpreter: Interpreter
    formatter: TraceFormatter
    lock: Lock = field(default_factory=Lock)
    found: dict[str, Any] = field(default_factory=dict)
    last: tuple[tuple[int, ...], list[TraceStep], list[bytes]] = ((), [], [])


class Models:
    """The models that the server has, and a cache of their instances."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self.models = dict(models)
        self._ready: OrderedDict[tuple[str, ...], Ready] = OrderedDict()
        self._lock = Lock()

    def model(self, query: Mapping[str, str]) -> Model:
        """The model that a request names, or the first one."""
        name = query.get("model") or next(iter(self.models))
        if name not in self.models:
            raise RequestError(
                404, "WEB001", f"no model {name[:60]!r} here; {suggest(name, self.models)}"
            )
        return self.models[name]

    def ready(self, query: Mapping[str, str]) -> Ready:
        """The instance that a request is about.

        :raises RequestError: 400 or 404 for an unknown name or a bad number.
        """
        model = self.model(query)
        bounds = parse_bounds(query.get("set", ""))
        key = (
            model.name,
            query.get("generation", ""),
            query.get("scope", ""),
            query.get("bug", ""),
            *(f"{name}={value}" for name, value in sorted(bounds.items())),
        )
        with self._lock:
            if key in self._ready:
                self._ready.move_to_end(key)
                return self._ready[key]
        try:
            scope, generation = query.get("scope") or None, query.get("generation") or None
            bug = _bug(model, query.get("bug", ""))
            choices = bug.choices if bug else None
            _check_size(model, model.setting(bounds, generation, scope, choices)[0])
            instance = model.instance(
                bounds,
                generation=generation,
                scope=scope,
                choices=choices,
                replace=bug.replace if bug else None,
            )
            instance.defect = bug.issue if bug else ""
            made = Ready(instance, Interpreter(instance), formatter_of(instance))
        except RequestError:
            raise
        except SlotspecError as error:
            raise RequestError(400, error.code, error.message) from error
        with self._lock:
            self._ready[key] = made
            while len(self._ready) > KEPT:
                self._ready.popitem(last=False)
        return made


def _bug(model: Model, issue: str) -> Bug | None:
    """The known bug of the model that a request names.

    :raises RequestError: 404 if the model has no such bug.
    """
    if not issue:
        return None
    bug = known_bugs().get(issue)
    if bug is None or bug.model != model.name:
        known = suggest(issue, [one.issue for one in bugs_of(model)])
        raise RequestError(404, "WEB023", f"{model.name} has no known bug {issue[:30]!r}; {known}")
    return bug


def bugs_of(model: Model) -> list[Bug]:
    """The known bugs of a model."""
    return [bug for bug in known_bugs().values() if bug.model == model.name]


def _check_size(model: Model, setting: Setting) -> None:
    """Reject bounds with too many calls.

    :raises RequestError: 400 if there are more than ``MOST_CALLS``.
    """
    count = sum(
        prod(_size(domain, setting.bounds) for domain in action.parameters.values())
        for action in model.actions.values()
        if action.when is None or action.when(setting)
    )
    if count > MOST_CALLS:
        raise RequestError(
            400,
            "WEB003",
            f"these bounds give {count:,} calls; choose smaller bounds, for at most"
            f" {MOST_CALLS:,} calls",
        )


def _size(domain: ParameterDomain, values: Mapping[str, int]) -> int:
    if isinstance(domain, Sort):
        return domain.size(values)
    return domain if isinstance(domain, int) else len(domain)


def parse_bounds(text: str) -> dict[str, int]:
    """Parse ``name=number,name=number`` as bounds.

    :raises RequestError: 400 for any other form.
    """
    bounds: dict[str, int] = {}
    for item in filter(None, text.split(",")):
        name, _, value = item.partition("=")
        if not (value.isascii() and value.isdecimal()) or len(value) > 6:
            raise RequestError(
                400, "WEB002", f"set={item[:60]}: write name=number,name=number, such as requests=3"
            )
        bounds[name] = int(value)
    return bounds


def parse_path(text: str, instance: Instance) -> tuple[int, ...]:
    """Parse a path such as ``3.14.15`` as the indices of its calls.

    :raises RequestError: 400 for any other form, 414 for a path that is too long.
    """
    if not text:
        return ()
    parts = text.split(".")
    if len(parts) > LONGEST_PATH:
        raise RequestError(
            414,
            "WEB005",
            f"the path has {len(parts):,} steps; the limit is {LONGEST_PATH:,}",
        )
    path = []
    for number, part in enumerate(parts, 1):
        if not (part.isascii() and part.isdecimal() and len(part) <= 6):
            raise RequestError(
                400, "WEB004", f"path: step {number} is {part[:30]!r}; give the number of a call"
            )
        if int(part) >= len(instance.calls):
            raise RequestError(
                400,
                "WEB004",
                f"path: step {number} is call {part}, but {instance.title} has calls 0 to"
                f" {len(instance.calls) - 1}",
            )
        path.append(int(part))
    return tuple(path)


@dataclass(frozen=True)
class Walked:
    """A path that was replayed. The interpreter is in its last state.

    :param fault: the fault of the last step, which ends the path.
    """

    steps: list[TraceStep]
    fault: str | None

    def finding(self, instance: Instance) -> Finding:
        return Finding(tuple(self.steps), self.fault, instance)


def walk(ready: Ready, path: tuple[int, ...]) -> Walked:
    """Replay `path`; reuse the steps that the last request has replayed.

    :raises RequestError: 400 if a call is not possible in its state.
    """
    interpreter, calls = ready.interpreter, ready.instance.calls
    known, steps, keys = ready.last
    if not keys:
        keys = [_initial(ready)]
    same = 0
    while same < min(len(known), len(path)) and known[same] == path[same]:
        same += 1
    steps, keys = steps[:same], keys[: same + 1]
    interpreter.load(keys[-1])
    before = interpreter.snapshot()
    for number, index in enumerate(path[same:], same + 1):
        call: Call = calls[index]
        try:
            result = interpreter.step(call)
        except StepError as error:
            if number < len(path):
                raise RequestError(
                    400, "WEB006", f"path: step {number} leaves the protocol: {error.message}"
                ) from error
            after = interpreter.snapshot()
            interpreter.undo()
            interpreter.load(keys[-1])
            return Walked([*steps, TraceStep(call, 0, (), before, after)], str(error))
        if result == DISABLED:
            raise RequestError(
                400,
                "WEB006",
                f"path: step {number}, {ready.formatter.call(call)}, is not possible in that state",
            )
        after = interpreter.snapshot()
        effects = tuple(tuple(int(v) for v in effect) for effect in interpreter.effects)
        steps.append(TraceStep(call, result, effects, before, after))
        keys.append(interpreter.key)
        before = after
    ready.last = (path, steps, keys)
    # loading clears the undo log, so that the caller can undo its own steps only
    interpreter.load(keys[-1])
    return Walked(steps, None)


def _initial(ready: Ready) -> bytes:
    return Interpreter(ready.instance).key
