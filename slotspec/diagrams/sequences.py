"""From counterexamples and recorded traces to sequences of messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slotspec.diagrams.description import Message, Remark, Sequel, Sequence
from slotspec.diagrams.message_arrows import flights
from slotspec.diagrams.participants import participants_of, participants_of_class
from slotspec.statemachine.declaration.model import Instance, Kind, Property
from slotspec.statemachine.formatting import for_ever, formatter_of
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.participants import Participants
from slotspec.statemachine.results import Finding, TraceStep

MOST = 6
"""So many of one kind have a lifeline each; more share one, and messages name them."""


@dataclass(frozen=True)
class Told:
    """One step in words: who calls, what is emitted to whom, what changed."""

    number: int
    caller: tuple[str, str]
    call: str
    effects: tuple[tuple[str, str, str], ...]
    """(kind, name, text) of each effect; the caller's own for an answer to it."""
    changes: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    """What is said before the step."""
    ends: tuple[str, ...] = ()
    """What is said after it."""


def of_finding(instance: Instance, finding: Finding, title: str = "", ending: str = "") -> Sequence:
    """A counterexample or witness."""
    words = formatter_of(instance)
    if isinstance(words, MessageFormatter):
        return flights(words, finding, title or instance.title, ending)
    cast = participants_of(instance.model.name)
    told = list(of_steps(instance, finding.steps))
    if finding.fault and told:
        told[-1] = replace(told[-1], wrong=(finding.fault,))
    going_on = for_ever(finding)
    if finding.loop is not None and going_on is not None:
        if finding.loop < len(told):
            told[finding.loop] = replace(told[finding.loop], begins=(going_on,))
        elif told:
            told[-1] = replace(told[-1], ends=(going_on,))
        else:
            ending = f"{going_on}. {ending}".strip()
    return sequence(cast, told, title or instance.title, ending)


def of_property(instance: Instance, declared: Property, finding: Finding) -> Sequence:
    """The trace of a property, with what it shows as its ending."""
    shows = "Witness" if declared.kind is Kind.SOMETIMES else "Breaks"
    return of_finding(
        instance,
        finding,
        f"{declared.name} ({instance.title})",
        f"{shows}: {declared.description}{formatter_of(instance).about(declared, finding)}",
    )


def of_steps(instance: Instance, steps: Iterable[TraceStep]) -> Iterator[Told]:
    """Steps of a model in its words."""
    cast, words = participants_of(instance.model.name), formatter_of(instance)
    names = instance.model.effects
    for number, step in enumerate(steps, 1):
        arguments = {
            name: words.argument(domain, value)
            for (name, domain), value in zip(
                step.call.action.parameters.items(), step.call.arguments, strict=True
            )
        }
        caller = cast.caller(step.call.action.name, arguments)
        effects = []
        for effect in step.effects:
            known = names is not None and effect[0] in {int(member) for member in names}
            name = names(effect[0]).name.lower() if names is not None and known else ""
            kind = cast.receivers.get(name)
            for phrase in words.effects(replace(step, effects=(effect,))):
                if name == "any_order":
                    continue
                effects.append(_received(cast, kind, phrase, caller))
        changes = tuple(words.changes(step))
        yield Told(number, caller, words.format_step(step), tuple(effects), changes)


def _received(
    cast: Participants, kind: str | None, phrase: str, caller: tuple[str, str]
) -> tuple[str, str, str]:
    """Whom an effect reaches, by the first word of its phrase."""
    if kind is None:
        return (*caller, phrase)
    if kind in cast.single:
        return kind, kind, phrase
    dotted = phrase.partition("(")[0]
    if "." in dotted:
        name, _, text = phrase.partition(".")
    else:
        name, _, text = phrase.partition(" ")
    return kind, name, text


def of_trace(path: str | Path, generation: str | None = None) -> Sequence:
    """A recorded trace, with what its first divergence from the model is, if it has one.

    :raises InputError: whatever is wrong with the file (``TRC…``).
    :raises UsageError: ``SET101`` for a generation that the class does not have.
    """
    from slotspec.diagrams.recordings import follow

    reached = list(follow(path, generation))
    header = reached[0].header
    cast = participants_of_class(header.implementation)
    told = [
        of_recorded(cast, step.number, step.op, step.arguments, step.effects, step.raises)
        for step in reached
    ]
    before: Mapping[str, Any] = {}
    for at, step in enumerate(reached):
        changes = tuple(differences(before, step.state)) if step.state is not None else ()
        told[at] = replace(told[at], changes=changes, wrong=tuple(step.wrong))
        before = step.state if step.state is not None else before
    diverges = next((step.number for step in reached if step.wrong), None)
    title = f"{Path(path).name}: {header.implementation} {header.version}"
    if diverges is None:
        ending = f"{len(told)} steps; conforms to generation {reached[0].generation}"
    else:
        ending = f"diverges from generation {reached[0].generation} in step {diverges}"
    return sequence(cast, told, title, ending)


def of_recorded(
    cast: Participants,
    number: int,
    op: str,
    arguments: Mapping[str, Any],
    effects: Iterable[Mapping[str, Any]],
    raises: str | None,
) -> Told:
    """A step of a recorded trace in words."""
    plain = {name: value for name, value in arguments.items() if isinstance(value, str)}
    caller = cast.caller(op, plain)
    said = ", ".join(f"{name}={short(value)}" for name, value in arguments.items())
    told = []
    for effect in effects:
        fields = dict(effect)
        prefix, _, method = str(fields.pop("effect", "?")).partition(".")
        kind = cast.prefixes.get(prefix)
        one = kind is None or kind in cast.single
        name = prefix if one else str(fields.pop(prefix, kind))
        inside = ", ".join(short(value) for value in fields.values())
        text = f"{method or prefix}({inside})"
        if kind is None:
            told.append((*caller, f"{prefix}.{text}" if method else text))
        else:
            told.append((kind, kind if one else name, text))
    if raises:
        told.append((*caller, f"raises {raises}"))
    return Told(number, caller, f"{op}({said})", tuple(told), ())


def short(value: Any) -> str:
    """A value of a trace for people."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(short(item) for item in value)}]"
    if isinstance(value, Mapping):
        return " ".join(short(item) for item in value.values())
    return json.dumps(value)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two states of a trace, one phrase for each place."""
    for name, new in after.items():
        old = before.get(name)
        if old == new or (name not in before and not new):
            continue
        if isinstance(new, Mapping):
            known = old if isinstance(old, Mapping) else {}
            for key in dict.fromkeys([*known, *new]):
                if known.get(key) != new.get(key):
                    yield f"{name} {key}: {_change(known.get(key), new.get(key))}"
        elif isinstance(new, list):
            sides = [_listed(side) for side in (old if isinstance(old, list) else [], new)]
            if sides[0] == sides[1]:
                sides = [short(old), short(new)]
            yield f"{name}: {sides[0]} -> {sides[1]}"
        else:
            yield f"{name}: {_side(old)} -> {_side(new)}"


def _change(old: Any, new: Any) -> str:
    """Of two entries with parts, the parts that differ; else both in full."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return f"{_side(old)} -> {_side(new)}"
    parts = [
        f"{part} {_side(old.get(part))} -> {_side(new.get(part))}"
        for part in dict.fromkeys([*old, *new])
        if old.get(part) != new.get(part)
    ]
    return ", ".join(parts)


def _side(value: Any) -> str:
    """One side of a change: of an entry, what it has, and flags by name."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        words = [
            name if one is True else short(one)
            for name, one in value.items()
            if one is not None and one is not False and one != []
        ]
        return " ".join(words) or "{}"
    return short(value)


def _listed(items: list[Any]) -> str:
    """A queue by the names of what stands in it."""
    names = [
        str(next(iter(item.values()), "?")) if isinstance(item, Mapping) else str(item)
        for item in items
    ]
    return f"[{', '.join(names)}]"


def sequence(cast: Participants, told: list[Told], title: str, ending: str = "") -> Sequence:
    """Messages between lifelines, which are those that are used, in the order of the cast."""
    kinds: dict[str, dict[str, None]] = {kind: {} for kind in cast.order}
    kinds.setdefault(cast.system, {})[cast.system] = None
    for step in told:
        for kind, name in (step.caller, *((kind, name) for kind, name, _ in step.effects)):
            kinds.setdefault(kind, {})[name] = None
    crowded = {kind for kind, names in kinds.items() if len(names) > MOST}

    def line(kind: str, name: str) -> str:
        return f"{kind.removesuffix('s')}s" if kind in crowded else name

    lifelines = [
        name
        for kind, names in kinds.items()
        for name in ([line(kind, "")] if kind in crowded else sorted(names, key=natural))
    ]
    steps = []
    for step in told:
        caller = line(*step.caller)
        items: list[Message | Remark] = []
        if step.begins:
            items.append(Remark(cast.system, step.begins))
        items.append(Message(caller, cast.system, step.call))
        for kind, name, text in step.effects:
            named = f"{name} {text}" if kind in crowded and (kind, name) != step.caller else text
            items.append(Message(cast.system, line(kind, name), named, reply=True))
        if step.changes:
            items.append(Remark(cast.system, step.changes))
        if step.wrong:
            items.append(Remark(cast.system, step.wrong, bad=True))
        if step.ends:
            items.append(Remark(cast.system, step.ends))
        steps.append(Sequel(step.number, tuple(items)))
    return Sequence(title, tuple(dict.fromkeys(lifelines)), tuple(steps), ending)


def natural(name: str) -> tuple[Any, ...]:
    """Sorts ``r2`` before ``r10``."""
    parts: list[Any] = []
    for part in _split(name):
        parts.append((0, int(part), "") if part.isdecimal() else (1, 0, part))
    return tuple(parts)


def _split(name: str) -> list[str]:
    found: list[str] = []
    for letter in name:
        if found and found[-1].isdecimal() == letter.isdecimal():
            found[-1] += letter
        else:
            found.append(letter)
    return found
