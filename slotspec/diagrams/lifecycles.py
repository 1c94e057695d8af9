"""From lifecycles, models and results to charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from slotspec.diagrams.description import Arrow, Box, Chart, Charts, Reach
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.nesting import lifecycles
from slotspec.statemachine.results import Result

Key = tuple[str, str, str]
"""Lifecycle, source state, event."""


@lru_cache(maxsize=64)
def lifecycles_of(model: Model) -> tuple[type[Lifecycle], ...]:
    """The lifecycles of a model, each once, in the order of its fields; then its parts'."""
    # which parts there are is said at some setting; each brings all of its fields
    record = model.instance().record if model.record.part_specs else model.record
    return tuple(
        dict.fromkeys(
            spec.domain for spec in record.fields.values() if isinstance(spec.domain, type)
        )
    )


def outermost(several: Iterable[type[Lifecycle]]) -> tuple[type[Lifecycle], ...]:
    """Those of `several` that are not drawn inside of a state of another one."""
    given = tuple(several)
    inner = {below for one in given for below in lifecycles(one)[1:]}
    return tuple(one for one in given if one not in inner)


def chart(
    lifecycle: type[Lifecycle],
    *,
    fired: Mapping[Key, int] | None = None,
    exhaustive: bool = True,
    by: Mapping[Key, Sequence[str]] | None = None,
    effects: Mapping[Key, Sequence[str]] | None = None,
) -> Chart:
    """The chart of one lifecycle.

    :param fired: coverage to paint, as in :attr:`Result.fired`.
    :param exhaustive: whether what was not fired is dead, or only unseen.
    :param by: for each transition, the operations that were seen to fire it.
    :param effects: for each transition, the effects that come with it whenever it is fired.
    """
    name = lifecycle.__name__
    arrows = []
    reached = {lifecycle.initial.name}
    missing = Reach.DEAD if exhaustive else Reach.UNSEEN
    for move in lifecycle.transitions:
        key = (name, move.source.name, move.event.name)
        count = None if fired is None else fired.get(key, 0)
        if count:
            reached.add(move.target.name)
        arrows.append(
            Arrow(
                move.source.name,
                move.target.name,
                move.event.name,
                move.event.description,
                tuple((by or {}).get(key, ())),
                tuple((effects or {}).get(key, ())),
                count,
                Reach.UNTOLD if count is None else Reach.REACHED if count else missing,
            )
        )
    boxes = []
    for state in lifecycle.states:
        there = Reach.REACHED if state.name in reached else missing
        boxes.append(
            Box(
                state.name,
                state.description,
                state.initial,
                state.final,
                Reach.UNTOLD if fired is None else there,
                tuple(
                    chart(below, fired=fired, exhaustive=exhaustive, by=by, effects=effects)
                    for below in state.inside
                ),
            )
        )
    return Chart(name, lifecycle.description(), tuple(boxes), tuple(arrows))


def painted(results: Sequence[Result]) -> Charts:
    """Every lifecycle of one model with the coverage of `results` painted on.

    :param results: of the same model, one at least; counts are added up.
    """
    model = results[0].instance.model
    fired: dict[Key, int] = {}
    for result in results:
        for key, count in result.fired.items():
            fired[key] = fired.get(key, 0) + count
    exhaustive = all(result.limit is None for result in results)
    never = sum(not count for count in fired.values())
    states = sum(result.states for result in results)
    note = f"{len(fired) - never} of {len(fired)} transitions fired in {states:,} states"
    if not exhaustive:
        note += "; a limit ended the search early"
    charts = tuple(
        chart(lifecycle, fired=fired, exhaustive=exhaustive)
        for lifecycle in outermost(lifecycles_of(model))
    )
    names = list(dict.fromkeys(result.instance.title for result in results))
    return Charts(", ".join(names), charts, note)


def plain(title: str, several: Iterable[type[Lifecycle]]) -> Charts:
    """Lifecycles as they are declared."""
    return Charts(title, tuple(chart(lifecycle) for lifecycle in outermost(several)))
