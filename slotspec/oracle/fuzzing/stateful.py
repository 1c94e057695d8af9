"""Property-based tests of a model, generated from its declarations.

The exhaustive check sees every state within small bounds; these tests see random runs within
bounds that no search could exhaust. Both ask the same things::

    from slotspec.models import load_model
    from slotspec.oracle.fuzzing.stateful import state_machine

    pool = load_model("slot_pool").instance({"task_managers": 3, "requests": 5})
    TestPool = state_machine(pool).TestCase

Each action of the environment becomes a rule, enabled where its guard is; each ``always``
property an invariant; each ``step`` property is asked after every step. A property that is a
known deviation at these bounds is left out, as a run of it would show nothing new. A state
without any enabled action that is not declared final fails as a deadlock.

A run keeps to one of two styles. In the first the next *action* is drawn, and then its
arguments: queries, and whatever ends everything, come often. In the second the next *call*
is drawn from all that change the state: actions with many arguments come often, and runs
lead far from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slotspec.statemachine.declaration.model import Action, Call, Instance, Kind, Property
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.replay import replay
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.obligations import predicate_of

STRIDE = 7919
"""A prime, more than the calls of most instances and no divisor of their number."""


class ModelMachine(RuleBasedStateMachine):
    """A run of an instance, one call after the other; see :func:`state_machine`.

    :cvar instance: what is run.
    :ivar taken: the calls so far.
    :ivar any_change: the style of this run: calls that change the state are drawn, not actions.
    """

    instance: Instance

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
        """A call that changes the state, looked for from call `number` on; None without any.

        Calls of one action stand side by side and are often refused together, so the search
        goes in wide strides: else the action after a long row would come too often.
        """
        calls = self.instance.calls
        stride = STRIDE if len(calls) % STRIDE else 1
        for turn in range(len(calls)):
            call = calls[(number + turn * stride) % len(calls)]
            if self._is_change(call):
                return call
        return None

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
        """Arguments that the guard of `action` lets pass now (the first `at_most` of them)."""
        found: list[tuple[int, ...]] = []
        now, function = self._now, self._now.functions[action]
        for arguments in self._calls[action]:
            try:
                refused = function(now.s, *arguments) == DISABLED
            except Exception:
                # a rule that fails was let pass by its guard; taking the call tells more
                refused = False
            now.undo()
            if not refused:
                found.append(arguments)
                if len(found) == at_most:
                    break
        return found

    def take(self, action: str, arguments: tuple[int, ...]) -> None:
        """Take one enabled call and ask every ``step`` property about it.

        :raises AssertionError: with the whole run in words, if one does not hold or if the
            step leaves the protocol.
        """
        call = self._calls[action][arguments]
        self._before.load(self._key)
        self.taken.append(call)
        try:
            result = self._now.step(call)
        except StepError as error:
            raise AssertionError(self.told(str(error))) from error
        for declared, holds in self._steps:
            if declared.on in (None, action):
                self._ask(declared, holds, self._before.s, self._now.s, result, *arguments)
        self._key = self._now.key
        self._now.load(self._key)

    def ask(self, declared: Property, holds: Callable[..., Any]) -> None:
        """Ask an ``always`` property about the present state."""
        self._ask(declared, holds, self._now.s)

    def _ask(self, declared: Property, holds: Callable[..., Any], *about: Any) -> None:
        try:
            fine = bool(holds(*about))
        except (IndexError, ArithmeticError) as error:
            what = f"property {declared.name} cannot be evaluated: {type(error).__name__}: {error}"
            raise AssertionError(self.told(what)) from error
        if not fine:
            # raised, not asserted: pytest rewrites the asserts of a package with a plugin
            raise AssertionError(self.told(f"{declared.name}: {declared.description}"))

    def end(self) -> None:
        """See that the model may stop here.

        :raises AssertionError: a deadlock.
        """
        final = self.instance.model.final
        may_end = final is not None and self.instance.runnable(final)(self._now.s)
        if not may_end:
            raise AssertionError(self.told("deadlock: no call is possible"))

    def told(self, what: str) -> str:
        """`what` is wrong, and the run that led there, in words."""
        words = formatter_of(self.instance)
        lines = [f"{self.instance.title}: {what}"]
        for number, step in enumerate(replay(self.instance, self.taken), 1):
            effects = "; ".join(words.effects(step))
            lines.append(
                f"{number:3} {words.format_step(step)}{' => ' + effects if effects else ''}"
            )
        return "\n".join(lines)


def _plain(call: Call | None) -> tuple[str, tuple[int, ...]]:
    """A call as failing examples print it."""
    assert call is not None
    return call.action.name, call.arguments


def asked(instance: Instance, kind: Kind) -> list[Property]:
    """The properties of one kind that have to hold within these bounds."""
    return [
        declared
        for declared in instance.properties.values()
        if declared.kind is kind
        and not (declared.deviation and declared.deviation(instance.setting))
    ]


def state_machine(instance: Instance) -> type[ModelMachine]:
    """A Hypothesis state machine that runs `instance`.

    Use its ``TestCase`` for pytest or unittest, or hand it to
    :func:`hypothesis.stateful.run_state_machine_as_test` with settings of your own. A failing
    example is printed as a program of calls with their arguments, in the order of the
    action's parameters; the error has the run in words.

    :param instance: at any bounds; only the calls of one action are ever enumerated.
    """
    body: dict[str, Any] = {"instance": instance, "__doc__": f"Random runs of {instance.title}."}
    for action in instance.actions:
        # an action may have the name of a method that the machine needs
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
    holds = predicate_of(instance, declared)

    def check(machine: ModelMachine) -> None:
        machine.ask(declared, holds)

    check.__name__ = f"always_{declared.name}"
    check.__doc__ = declared.description
    return invariant()(check)


def _is_stuck(machine: ModelMachine) -> bool:
    return not any(machine.enabled(name, at_most=1) for name in machine._calls)
