"""Extract sequences of messages from counterexamples, witnesses and recorded traces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotspec.diagrams.description import Message, Remark, Sequence, SequenceStep
from slotspec.diagrams.message_arrows import message_sequence
from slotspec.diagrams.participants import participants_of, participants_of_class
from slotspec.oracle.own.oracle import generation_named
from slotspec.statemachine.declaration.model import Instance, Kind, Property
from slotspec.statemachine.formatting import for_ever, formatter_of
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.participants import Participants
from slotspec.statemachine.results import Finding, TraceStep

if TYPE_CHECKING:
    from slotspec.diagrams.recordings import ReplayedStep

MOST = 6
"""Up to this many of one kind have a lifeline each; more share one, and messages name them."""


@dataclass(frozen=True)
class RenderedStep:
    """One step as text: the caller, the call, the effects and their receivers, the changes."""

    number: int
    caller: tuple[str, str]
    call: str
    effects: tuple[tuple[str, str, str], ...]
    """(kind, name, text) of each effect; an answer has the kind and name of the caller."""
    changes: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    """The remark before the step."""
    after: tuple[str, ...] = ()
    """The remark after the step."""


def of_finding(instance: Instance, finding: Finding, title: str = "", ending: str = "") -> Sequence:
    """A counterexample or witness."""
    formatter = formatter_of(instance)
    if isinstance(formatter, MessageFormatter):
        return message_sequence(formatter, finding, title or instance.title, ending)
    participants = participants_of(instance.model.name)
    steps = list(of_steps(instance, finding.steps))
    if finding.fault and steps:
        steps[-1] = replace(steps[-1], wrong=(finding.fault,))
    loop = for_ever(finding)
    if finding.loop is not None and loop is not None:
        if finding.loop < len(steps):
            steps[finding.loop] = replace(steps[finding.loop], before=(loop,))
        elif steps:
            steps[-1] = replace(steps[-1], after=(loop,))
        else:
            ending = f"{loop}. {ending}".strip()
    return sequence(participants, steps, title or instance.title, ending)


def of_property(instance: Instance, declared: Property, finding: Finding) -> Sequence:
    """The trace of a property, with the property as its ending."""
    shows = "Witness of" if declared.kind is Kind.SOMETIMES else "Violates"
    return of_finding(
        instance,
        finding,
        f"{declared.name} ({instance.title})",
        f"{shows}: {declared.description}{formatter_of(instance).about(declared, finding)}",
    )


def of_steps(instance: Instance, steps: Iterable[TraceStep]) -> Iterator[RenderedStep]:
    """Render the steps of a model."""
    participants, formatter = participants_of(instance.model.name), formatter_of(instance)
    names = instance.model.effects
    for number, step in enumerate(steps, 1):
        arguments = {
            name: formatter.argument(domain, value)
            for (name, domain), value in zip(
                step.call.action.parameters.items(), step.call.arguments, strict=True
            )
        }
        caller = participants.caller(step.call.action.name, arguments)
        effects = []
        for effect in step.effects:
            known = names is not None and effect[0] in {int(member) for member in names}
            name = names(effect[0]).name.lower() if names is not None and known else ""
            kind = participants.receivers.get(name)
            for phrase in formatter.effects(replace(step, effects=(effect,))):
                if name == "any_order":
                    continue
                effects.append(_received(participants, kind, phrase, caller))
        changes = tuple(formatter.changes(step))
        yield RenderedStep(number, caller, formatter.format_step(step), tuple(effects), changes)


def _received(
    participants: Participants, kind: str | None, phrase: str, caller: tuple[str, str]
) -> tuple[str, str, str]:
    """The receiver of an effect, from the first word of its phrase."""
    if kind is None:
        return (*caller, phrase)
    if kind in participants.single:
        return kind, kind, phrase
    dotted = phrase.partition("(")[0]
    if "." in dotted:
        name, _, text = phrase.partition(".")
    else:
        name, _, text = phrase.partition(" ")
    return kind, name, text


def of_trace(path: str | Path, generation: str | None = None) -> Sequence:
    """A recorded trace, with its first divergence from the model if it has one.

    :raises InputError: the file cannot be read as a trace (``TRC…``).
    :raises UsageError: ``SET101`` for a generation that the class does not have.
    """
    from slotspec.diagrams.recordings import follow

    replayed = list(follow(path, generation))
    header = replayed[0].header
    diverges = next((step.number for step in replayed if step.wrong), None)
    title = f"{Path(path).name}: {header.implementation} {header.version}"
    generation = replayed[0].generation
    model = generation_named(generation)
    if not any(step.told for step in replayed):
        ending = f"{len(replayed)} steps; the trace tells nothing to compare with {model}"
    elif diverges is None:
        ending = f"{len(replayed)} steps; conforms to {model}"
    else:
        ending = f"diverges from {model} in step {diverges}"
    return of_replays(replayed, title, ending)


def of_replays(replayed: list[ReplayedStep], title: str, ending: str = "") -> Sequence:
    """A replayed trace; of a model of one's own that declares messages, with its processes."""
    taken = [step.taken for step in replayed if step.taken is not None]
    if taken:
        instance = taken[0][0]
        formatter = formatter_of(instance)
        if isinstance(formatter, MessageFormatter):
            wrong = tuple(line for step in replayed for line in step.wrong)
            finding = replace(explain(instance, [call for _, call in taken]), fault=None)
            drawn = message_sequence(formatter, finding, title, ending, wrong)
            return replace(drawn, steps=drawn.steps + _not_compared(drawn, replayed))
    participants = participants_of_class(replayed[0].header.implementation)
    return sequence(participants, of_replayed(participants, replayed), title, ending)


def _not_compared(drawn: Sequence, replayed: list[ReplayedStep]) -> tuple[SequenceStep, ...]:
    """The steps after a divergence, which the model cannot follow."""
    rest = replayed[len(drawn.steps) :]
    calls = [f"{step.op}({', '.join(map(short, step.arguments.values()))})" for step in rest]
    return tuple(
        SequenceStep(step.number, (Remark(drawn.lifelines[0], (call,)),))
        for step, call in zip(rest, calls, strict=True)
    )


def of_replayed(participants: Participants, replayed: Iterable[ReplayedStep]) -> list[RenderedStep]:
    """Render the steps of a recorded trace with their changes and the first divergence."""
    rendered = []
    before: Mapping[str, Any] = {}
    for step in replayed:
        state = step.state if step.state is not None else before
        rendered.append(
            replace(
                of_recorded(
                    participants, step.number, step.op, step.arguments, step.effects, step.raises
                ),
                changes=tuple(differences(before, state)),
                wrong=tuple(step.wrong),
            )
        )
        before = state
    return rendered


def of_recorded(
    participants: Participants,
    number: int,
    op: str,
    arguments: Mapping[str, Any],
    effects: Iterable[Mapping[str, Any]],
    raises: str | None,
) -> RenderedStep:
    """Render a step of a recorded trace."""
    plain = {name: value for name, value in arguments.items() if isinstance(value, str)}
    caller = participants.caller(op, plain)
    given = ", ".join(f"{name}={short(value)}" for name, value in arguments.items())
    received = []
    for effect in effects:
        fields = dict(effect)
        prefix, _, method = str(fields.pop("effect", "?")).partition(".")
        kind = participants.prefixes.get(prefix)
        one = kind is None or kind in participants.single
        name = prefix if one else str(fields.pop(prefix, kind))
        inside = ", ".join(short(value) for value in fields.values())
        text = f"{method or prefix}({inside})"
        if kind is None:
            received.append((*caller, f"{prefix}.{text}" if method else text))
        else:
            received.append((kind, kind if one else name, text))
    if raises:
        received.append((*caller, f"raises {raises}"))
    return RenderedStep(number, caller, f"{op}({given})", tuple(received), ())


def short(value: Any) -> str:
    """A value of a trace as readable text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(short(item) for item in value)}]"
    if isinstance(value, Mapping):
        return " ".join(short(item) for item in value.values())
    return json.dumps(value)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The differences between two states of a trace, one phrase for each place."""
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
    """The parts of two entries that differ; both values if they have no parts."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return f"{_side(old)} -> {_side(new)}"
    parts = [
        f"{part} {_side(old.get(part))} -> {_side(new.get(part))}"
        for part in dict.fromkeys([*old, *new])
        if old.get(part) != new.get(part)
    ]
    return ", ".join(parts)


def _side(value: Any) -> str:
    """One side of a change; an entry as its values, with flags by name."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        parts = [
            name if one is True else short(one)
            for name, one in value.items()
            if one is not None and one is not False and one != []
        ]
        return " ".join(parts) or "{}"
    return short(value)


def _listed(items: list[Any]) -> str:
    """A queue as the names of its items."""
    names = [
        str(next(iter(item.values()), "?")) if isinstance(item, Mapping) else str(item)
        for item in items
    ]
    return f"[{', '.join(names)}]"


def sequence(
    participants: Participants, rendered: list[RenderedStep], title: str, ending: str = ""
) -> Sequence:
    """Messages between the lifelines that are used, in the order of `participants`."""
    kinds: dict[str, dict[str, None]] = {kind: {} for kind in participants.order}
    kinds.setdefault(participants.system, {})[participants.system] = None
    for step in rendered:
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
    for step in rendered:
        caller = line(*step.caller)
        items: list[Message | Remark] = []
        if step.before:
            items.append(Remark(participants.system, step.before))
        items.append(Message(caller, participants.system, step.call))
        for kind, name, text in step.effects:
            named = f"{name} {text}" if kind in crowded and (kind, name) != step.caller else text
            items.append(Message(participants.system, line(kind, name), named, reply=True))
        if step.changes:
            items.append(Remark(participants.system, step.changes))
        if step.wrong:
            items.append(Remark(participants.system, step.wrong, bad=True))
        if step.after:
            items.append(Remark(participants.system, step.after))
        steps.append(SequenceStep(step.number, tuple(items)))
    return Sequence(title, tuple(dict.fromkeys(lifelines)), tuple(steps), ending)


def natural(name: str) -> tuple[Any, ...]:
    """A sort key that puts ``r2`` before ``r10``."""
    parts: list[Any] = []
    for part in _split(name):
        parts.append((0, int(part), "") if part.isdecimal() else (1, 0, part))
    return tuple(parts)


def _split(name: str) -> list[str]:
    found: list[str] = []
    for character in name:
        if found and found[-1].isdecimal() == character.isdecimal():
            found[-1] += character
        else:
            found.append(character)
    return found
