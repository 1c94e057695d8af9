"""Property-based tests of a model, generated from its declarations.

The exhaustive check visits every state within small bounds; these tests run random sequences
within bounds that no search could exhaust. Both check the same properties::

    from slotspec.models import load_model
    from slotspec.oracle.fuzzing.stateful import state_machine

    pool = load_model("slot_pool").instance({"task_managers": 3, "requests": 5})
    TestPool = state_machine(pool).TestCase

Each action of the environment becomes a rule, enabled where its guard holds. Each ``always``
property becomes an invariant, and each ``step`` property is checked after every step. A property
that is a known deviation at these bounds is left out, since it would show nothing new. A state
without an enabled action that is not declared final fails as a deadlock.

A run has one of two styles. The first draws the next *action*, then its arguments, so queries and
operations that end everything are frequent. The second draws the next *call* from all calls that
change the state, so actions with many arguments are frequent and runs lead far from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slotspec.statemachine.declaration.model import Action, Call, Instance, Kind, Property
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.replay import replay
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.obligations import Predicate, predicate_of

STRIDE = 7919
"""A prime: more than most instances have calls, and no divisor of their number."""


MOST = 2_000
"""States whose enabled calls a machine remembers."""

Enabled = dict[tuple[str, int | None], list[tuple[int, ...]]]


class ModelMachine(RuleBasedStateMachine):
    """A run of an instance, call by call; see :func:`state_machine`.

    :cvar instance: the instance that runs.
    :cvar known: which calls are enabled, by state. Hypothesis asks many times in one state, and
        runs of one test have many states in common.
    :ivar taken: the calls so far.
    :ivar any_change: the style of this run: draw calls that change the state, not actions.
    """

    instance: Instance
    known: dict[Any, Enabled]

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Call] = []
        self._now = Interpreter(self.instance)
        self._before = Interpreter(self.instance)
        self._calls: dict[str, dict[tuple[int, ...], Call]] = {}
        for call in self.instance.calls:
            self._calls.setdefault(call.action.name, {})[call.arguments] = call
        self._steps = [
            (declared, predicate_of(self.instance, declared))
            for declared in asked(self.instance, Kind.STEP)
        ]
        self._key = self._now.key
        self._enabled = self._known_here()
        self._changes: dict[int, Call | None] = {}
        self.any_change = False

    @initialize(any_change=st.booleans())
    def choose_style(self, any_change: bool) -> None:
        """Draw calls that change the state, instead of actions."""
        self.any_change = any_change

    @precondition(lambda self: self.any_change and self.change_from(0) is not None)
    @rule(call=st.runner().flatmap(lambda machine: machine.changes()))
    def change(self, call: tuple[str, tuple[int, ...]]) -> None:
        """Take a call that changes the state."""
        self.take(*call)

    def changes(self) -> st.SearchStrategy[tuple[str, tuple[int, ...]]]:
        """Names and arguments of the calls that change the state now."""
        numbers = st.integers(0, len(self.instance.calls) - 1)
        return numbers.map(self.change_from).map(_plain)

    def change_from(self, number: int) -> Call | None:
        """A call that changes the state, searched from call `number` on; None if there is none.

        Calls of one action are neighbours and often disabled together. The search takes wide
        strides, since otherwise the action after many disabled calls would come too often.
        """
        if number not in self._changes:
            calls = self.instance.calls
            stride = STRIDE if len(calls) % STRIDE else 1
            strides = (calls[(number + turn * stride) % len(calls)] for turn in range(len(calls)))
            self._changes[number] = next((c for c in strides if self._is_change(c)), None)
        return self._changes[number]

    def _known_here(self) -> Enabled:
        """What is remembered of the current state."""
        if len(self.known) >= MOST:
            self.known.clear()
        return self.known.setdefault(self._key, {})

    def _is_change(self, call: Call) -> bool:
        now = self._now
        try:
            result = now.functions[call.action.name](now.s, *call.arguments)
            return result != DISABLED and now.finish(call, result) != self._key
        except Exception:
            return True  # see enabled
        finally:
            now.undo()

    def enabled(self, action: str, at_most: int | None = None) -> list[tuple[int, ...]]:
        """Arguments for which `action` is enabled now (at most the first `at_most`)."""
        if (action, at_most) not in self._enabled:
            self._enabled[action, at_most] = self._ask_enabled(action, at_most)
        return self._enabled[action, at_most]

    def _ask_enabled(self, action: str, at_most: int | None) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = []
        now, function = self._now, self._now.functions[action]
        for arguments in self._calls[action]:
            try:
                disabled = function(now.s, *arguments) == DISABLED
            except Exception:
                # a rule that fails is enabled; taking the call shows the failure
                disabled = False
            now.undo()
            if not disabled:
                found.append(arguments)
                if len(found) == at_most:
                    break
        return found

    def take(self, action: str, arguments: tuple[int, ...]) -> None:
        """Take one enabled call and check every ``step`` property.

        :raises AssertionError: if one does not hold or the step leaves the protocol; the
            message contains the whole run.
        """
        call = self._calls[action][arguments]
        self._before.load(self._key)
        self.taken.append(call)
        try:
            result = self._now.step(call)
        except StepError as error:
            raise AssertionError(self.rendered(str(error))) from error
        for declared, holds in self._steps:
            if declared.on in (None, action):
                self._ask(declared, holds, self._before.s, self._now.s, result, *arguments)
        self._key = self._now.key
        self._now.load(self._key)
        self._enabled = self._known_here()
        self._changes.clear()

    def ask(self, declared: Property, holds: Callable[..., Any]) -> None:
        """Check an ``always`` property in the current state."""
        self._ask(declared, holds, self._now.s)

    def _ask(self, declared: Property, holds: Callable[..., Any], *target: Any) -> None:
        try:
            fine = bool(holds(*target))
        except (IndexError, ArithmeticError) as error:
            what = f"property {declared.name} cannot be evaluated: {type(error).__name__}: {error}"
            raise AssertionError(self.rendered(what)) from error
        if not fine:
            # raised, not asserted: pytest rewrites the asserts of a package with a plugin
            raise AssertionError(self.rendered(f"{declared.name}: {declared.description}"))

    def end(self) -> None:
        """Check that the model may stop here.

        :raises AssertionError: for a deadlock.
        """
        final = self.instance.model.final
        may_end = final is not None and self.instance.runnable(final)(self._now.s)
        if not may_end:
            raise AssertionError(self.rendered("deadlock: no call is possible"))

    def rendered(self, what: str) -> str:
        """`what` is wrong, and the run that led there."""
        formatter = formatter_of(self.instance)
        lines = [f"{self.instance.title}: {what}"]
        for number, step in enumerate(replay(self.instance, self.taken), 1):
            effects = "; ".join(formatter.effects(step))
            lines.append(
                f"{number:3} {formatter.format_step(step)}{' => ' + effects if effects else ''}"
            )
        return "\n".join(lines)


def _plain(call: Call | None) -> tuple[str, tuple[int, ...]]:
    """A call in the form in which failing examples print it."""
    assert call is not None
    return call.action.name, call.arguments


def asked(instance: Instance, kind: Kind) -> list[Property]:
    """The properties of one kind that must hold within these bounds."""
    return [
        declared
        for declared in instance.properties.values()
        if declared.kind is kind
        and not (declared.deviation and declared.deviation(instance.setting))
    ]


def state_machine(instance: Instance) -> type[ModelMachine]:
    """A Hypothesis state machine that runs `instance`.

    Use its ``TestCase`` for pytest or unittest, or pass it to
    :func:`hypothesis.stateful.run_state_machine_as_test` with your own settings. Hypothesis prints
    a failing example as a program of calls, with the arguments in the order of the action's
    parameters; the error message describes the run.

    :param instance: any bounds; only the calls of one action are enumerated at a time.
    """
    body: dict[str, Any] = {
        "instance": instance,
        "known": {},
        "__doc__": f"Random runs of {instance.title}.",
    }
    for action in instance.actions:
        # an action may have the name of a method of the machine
        taken = hasattr(ModelMachine, action.name)
        body[f"{action.name}_" if taken else action.name] = _rule_of(action)
    for declared in asked(instance, Kind.ALWAYS):
        body[f"always_{declared.name}"] = _invariant_of(instance, declared)
    body["nothing_can_happen"] = precondition(_is_stuck)(rule()(ModelMachine.end))
    return type(f"{instance.model.name.title().replace('_', '')}Machine", (ModelMachine,), body)


def _rule_of(action: Action) -> Any:
    """The rule that takes an enabled call of `action`."""
    name = action.name

    def possible(machine: ModelMachine) -> bool:
        if machine.any_change and machine.change_from(0) is not None:
            return False
        return bool(machine.enabled(name, at_most=1))

    def take(machine: ModelMachine, arguments: tuple[int, ...]) -> None:
        machine.take(name, arguments)

    take.__name__, take.__doc__ = name, action.description
    return precondition(possible)(rule(arguments=st.runner().flatmap(_arguments(name)))(take))


def _arguments(name: str) -> Callable[[ModelMachine], st.SearchStrategy[tuple[int, ...]]]:
    return lambda machine: st.sampled_from(machine.enabled(name))


def _invariant_of(instance: Instance, declared: Property) -> Any:
    @cache
    def holds() -> Predicate:
        # rules are analysed for the first run: a machine is often made where tests are collected
        return predicate_of(instance, declared)

    def check(machine: ModelMachine) -> None:
        machine.ask(declared, holds())

    check.__name__ = f"always_{declared.name}"
    check.__doc__ = declared.description
    return invariant()(check)


def _is_stuck(machine: ModelMachine) -> bool:
    return not any(machine.enabled(name, at_most=1) for name in machine._calls)
