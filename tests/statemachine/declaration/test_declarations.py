"""A declaration that would check nothing is refused, with what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotspec.cli import main
from slotspec.models import MODELS, load_model
from slotspec.statemachine import (
    FLAG,
    Array,
    Bound,
    DeclarationError,
    Fairness,
    Model,
    Record,
    Scope,
    Sort,
    UsageError,
    constant,
    number,
    per,
    scalar,
)
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State
from slotspec.statemachine.declaration.unused import unused
from tests.statemachine.tiny import LAMPS, Lamp, Room, counter, room


def holds(s: Room) -> bool:
    """A statement."""
    return True


def rule(s: Room) -> int:
    """A rule."""
    return 0


@pytest.mark.parametrize("word", ["always", "sometimes", "step", "leads_to", "action"])
def test_a_decorator_with_arguments_must_be_called(word: str) -> None:
    model = room()
    with pytest.raises(
        DeclarationError, match=rf"MDL012: room: @{word} is given holds, .*write @model\.{word}\("
    ):
        getattr(model, word)(holds)
    assert not model.properties
    assert not model.actions


@pytest.mark.parametrize("word", ["operation", "final_states", "after_each_step"])
@pytest.mark.parametrize("given", [(), ("Flink",)])
def test_a_decorator_without_arguments_must_not_be_called(
    word: str, given: tuple[str, ...]
) -> None:
    with pytest.raises(
        DeclarationError, match=rf"MDL012: .*write @model\.{word} without parentheses"
    ):
        getattr(room(), word)(*given)


@pytest.mark.parametrize("word", ["final_states", "after_each_step"])
def test_a_unique_rule_is_declared_once_and_takes_only_the_state(word: str) -> None:
    model = room()
    getattr(model, word)(rule)
    with pytest.raises(
        DeclarationError, match=rf"MDL002: room: @{word} is declared twice, of rule"
    ):
        getattr(model, word)(holds)

    def more(s: Room, lamp: int) -> int:
        """Two things."""
        return lamp

    with pytest.raises(DeclarationError, match=rf"MDL003: .*@{word} gives the state alone"):
        getattr(room(), word)(more)


@pytest.mark.parametrize("word", ["always", "sometimes", "step", "leads_to"])
def test_an_unknown_option_is_refused_by_its_name(word: str) -> None:
    given = {"to": holds} if word == "leads_to" else {}
    with pytest.raises(DeclarationError, match=rf"MDL013: room: @{word} knows no option 'wehn'"):
        getattr(room(), word)("here", **given, wehn=lambda setting: True)
    with pytest.raises(DeclarationError, match=r"MDL013: .*when of .* is True; give a function"):
        getattr(room(), word)("here", **given, when=True)
    with pytest.raises(DeclarationError, match=r"MDL013: .*each of .*; give a mapping"):
        getattr(room(), word)("here", **given, each=LAMPS)


@pytest.mark.parametrize("word", ["always", "sometimes"])
def test_each_needs_a_mapping_to_sorts(word: str) -> None:
    with pytest.raises(DeclarationError, match=r"MDL016: .*is over 'lamps'"):
        getattr(room(), word)("here", each={"lamp": "lamps"})(two)


def two(s: Room, lamp: int) -> bool:
    """Of a lamp."""
    return True


def test_leads_to_needs_a_conclusion() -> None:
    with pytest.raises(DeclarationError, match=r"MDL013: .*to of @leads_to is None"):
        room().leads_to("here")
    with pytest.raises(DeclarationError, match=r"MDL013: .*to of @leads_to is True"):
        room().leads_to("here", True)  # type: ignore[arg-type]


def test_an_empty_source_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"MDL004: .*@always needs a source"):
        room().always(" ")


def test_a_step_property_needs_a_declared_action() -> None:
    model = room()
    counter(model)
    for on in (holds, "count_up"):
        with pytest.raises(DeclarationError, match="MDL005"):
            model.step("here", on=on)  # type: ignore[arg-type]


def test_bounds_of_one_name_are_one() -> None:
    class Doubled(Record):
        """Lamps of two kinds, and a number."""

        lamp: Array = per(LAMPS, Lamp, "Each lamp.")
        other: Array = per(Sort("lamps", "Other lamps.", default=5), Lamp, "Each other lamp.")

    with pytest.raises(DeclarationError, match=r"MDL002: doubled: lamps .* default=2 .* default=5"):
        Model("doubled", "Too many lamps.", Doubled)
    with pytest.raises(DeclarationError, match=r"MDL002: room: lamps .* maximum=\d+ .* maximum=3"):
        Model("room", "A room.", Room, bounds=[Bound("lamps", "Lamps.", 2, 1, 3)])


@pytest.mark.parametrize("domain", [0, -3, True])
def test_a_property_or_an_action_has_a_value_to_be_asked_of(domain: int) -> None:
    def chosen(s: Room, lamp: int) -> bool:
        """It holds of each."""
        return s.count == lamp

    with pytest.raises(DeclarationError, match=r"MDL016: .*lamp is over .*, at least one"):
        room().always("here", each={"lamp": domain})(chosen)
    with pytest.raises(DeclarationError, match=r"MDL016: .*lamp is over .*, at least one"):
        room().action(lamp=domain)(chosen)


def test_a_rule_takes_the_state() -> None:
    def nothing() -> int:
        """Take nothing."""
        return 0

    with pytest.raises(DeclarationError, match=r"MDL009: .*its first argument is the state"):
        room().always("here")(nothing)
    with pytest.raises(DeclarationError, match=r"MDL009: .*its first argument is the state"):
        room().leads_to("here", nothing)(holds)
    with pytest.raises(DeclarationError, match=r"MDL003: .*its first argument is the state"):
        room().action()(nothing)


@pytest.mark.parametrize("reason", [True, False, "", 0])
def test_a_deviation_has_a_reason(reason: object) -> None:
    model = room()
    counter(model)
    model.always("here", deviation=lambda setting: reason)(holds)
    with pytest.raises(DeclarationError, match=r"MDL013: room\.holds: deviation returns"):
        model.instance()


def test_the_options_of_an_action_are_checked() -> None:
    with pytest.raises(DeclarationError, match=r"MDL013: .*fair of @action is True"):
        room().action(fair=True)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"MDL013: .*fault of @action is 'no'"):
        room().action(fault="no")  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"MDL013: .*when of @action is 1"):
        room().action(when=1)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=r"MDL016: .*lamp is over 'lamps'"):
        room().action(lamp="lamps")(two)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="MDL008"):
        room().action(fair=Fairness.WEAK, fault=True)(rule)


def test_attributes_of_a_record_that_are_no_fields_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"MDL017: Wrong\.lone is a State, .*a lifecycle"):

        class Wrong(Record):
            """A state in a record."""

            lone = State("Alone.")

    with pytest.raises(DeclarationError, match=r"MDL017: Loose\.knocks is an Event"):

        class Loose(Record):
            """An event in a record."""

            knocks = Event("Somebody knocks.")

    with pytest.raises(DeclarationError, match=r"MDL017: Plain\.whole is a Lifecycle"):

        class Plain(Record):
            """A lifecycle in a record."""

            whole = Lamp

    with pytest.raises(DeclarationError, match=r"MDL017: Sorted\.doors is a Sort that no field"):

        class Sorted(Record):
            """A sort that nothing is of."""

            doors = Sort("doors", "Doors.", default=2)
            open: int = scalar(FLAG, "Any.")

    class Fine(Record):
        """A sort that a field is over."""

        doors = Sort("doors", "Doors.", default=2)
        open: Array = per(doors, FLAG, "Each.")

    assert [sort.name for sort in Fine.sorts()] == ["doors"]


@pytest.mark.parametrize("name", ["effects", "fields", "sorts", "parts"])
def test_a_field_may_not_hide_an_attribute_of_a_record(name: str) -> None:
    with pytest.raises(DeclarationError, match=rf"MDL018: Hidden\.{name} hides"):
        type("Hidden", (Record,), {name: scalar(FLAG, "It hides.")})
    base = type("Base", (Record,), {"n": scalar(FLAG, "It.")})
    with pytest.raises(DeclarationError, match=r"MDL018: Above\.n hides Base\.n"):
        type("Above", (base,), {"n": scalar(FLAG, "Again.")})


def test_a_lifecycle_holds_only_states_and_events() -> None:
    with pytest.raises(DeclarationError, match=r"FSM015: .*doors is a Sort"):

        class Gate(Lifecycle):
            """A gate."""

            OPEN = State("Open.", initial=True)
            doors = Sort("doors", "Doors.", default=2)
            stay = Event("It stays.", (OPEN, OPEN))


class Hall(Record):
    """Two numbers."""

    n: int = scalar(number(lambda setting: setting["most"]), "It.")
    m: int = constant("A constant.", lambda setting: setting["kind"])


def hall(**more: Any) -> Model:
    model = Model(
        "hall",
        "A hall.",
        Hall,
        generations={"old": {"kind": 1, **more.pop("choice", {})}, "new": {"kind": 2}},
        scopes=[Scope("small", "Small.", {"most": 2}), Scope("large", "Large.", {"most": 5})],
        bounds=[Bound("most", "Most.", 3), *more.pop("bounds", [])],
    )

    @model.action(when=lambda setting: setting["kind"] == 1)
    def go(s: Hall) -> int:
        """Go."""
        return 0

    @model.action(when=more.pop("when", None))
    def stay(s: Hall) -> int:
        """Stay."""
        return 0

    model.step("here", on=stay, **more)(same)
    return model


def same(before: Hall, after: Hall) -> bool:
    """Nothing changes."""
    return before.n == after.n


def test_unused_declarations_are_reported() -> None:
    assert unused(hall()) == []
    assert unused(hall(bounds=[Bound("spare", "Spare.", 2)])) == [
        "bound spare: nothing reads it; drop it"
    ]
    assert unused(hall(choice={"knid": 2})) == [
        "choice knid of generation old: nothing reads it; drop it, or see how it is spelled"
    ]
    assert unused(hall(when=lambda setting: setting["most"] > 5)) == [
        "action stay: possible in no generation and scope; see its when",
        "property same: asked in no generation and scope; see its when, and that of its action",
    ]
    assert unused(hall(when=lambda setting: setting["most"] == 5 and setting["kind"] == 2)) == []


TAKEN_OVER = {
    "cluster": [
        "action task_is_quick: possible in no generation and scope; see its when",
        *(
            f"property manager_a_stopped_manager_{what}_nothing: asked in no generation and scope;"
            " see its when"
            for what in ("expects", "checks")
        ),
    ],
    "declarative_cluster": [
        "action task_is_quick: possible in no generation and scope; see its when",
        "action last_task_is_released_first: possible in no generation and scope; see its when",
        "action task_has_done_its_work: possible in no generation and scope; see its when",
        *(
            f"property {what}: asked in no generation and scope; see its when"
            for what in (
                "pool_the_idle_check_goes_on",
                "pool_the_batch_check_goes_on",
                "manager_the_index_has_exactly_the_expected_workers",
                "manager_plans_fit_into_expected_workers",
                "manager_plans_are_on_workers",
                "manager_nobody_expects_workers_without_need",
                "manager_the_maximum_is_kept",
                "manager_a_stopped_manager_is_empty",
                "manager_a_stopped_manager_knows_no_job_masters",
                "manager_a_stopped_manager_looks_for_nobody",
                "manager_a_declaration_under_way_is_made",
                "manager_unwanted_task_managers_have_no_slots",
            )
        ),
    ],
}
"""The cluster has all properties of its parts, but its managers never stop in any scope. Only its
replay of recordings has hash tables in any order, quick tasks, or tasks that end late."""


@pytest.mark.parametrize("name", MODELS)
def test_bundled_models_use_what_they_declare(name: str) -> None:
    assert unused(load_model(name)) == TAKEN_OVER.get(name, [])


def test_checking_a_file_reports_unused_declarations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.py"
    text = (
        "from slotspec.statemachine import Bound, FLAG, Model, Record, scalar\n"
        'class One(Record):\n    """One."""\n    n: int = scalar(FLAG, "It.")\n'
        'one = Model("one", "One.", One, bounds=[Bound("spare", "Spare.", 2)])\n'
        '@one.action()\ndef stay(s: One) -> int:\n    """Stay."""\n    return 0\n'
    )
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["check", f"{file}:one"])
    assert ended.value.code == 0
    assert capsys.readouterr().err == "unused in one: bound spare: nothing reads it; drop it\n"


def test_a_scope_of_an_unknown_bound_is_refused() -> None:
    with pytest.raises(UsageError, match=r"SET001.*did you mean lamps"):
        Model("hall", "A hall.", Room, scopes=[Scope("large", "Large.", {"lmaps": 5})])


def test_a_name_that_is_no_text_is_refused_too() -> None:
    hall = Model("hall", "A hall.", Room, scopes=[Scope("large", "Large.", {})])
    with pytest.raises(UsageError, match=r"SET003: .*no scope 3; use one of large"):
        hall.instance(scope=3)  # type: ignore[arg-type]
