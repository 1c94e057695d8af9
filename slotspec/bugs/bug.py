"""A known bug of Flink's slot protocol as a switchable defect of a healthy model.

Each module ``flink_NNNN.py`` lists its bugs in ``BUGS``: the rules that a bug replaces and the
property that it breaks. The models themselves know nothing of bugs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slotspec.statemachine.declaration.model import Instance

Rule = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Bug:
    """One known bug: how to switch it on, and what a check then finds.

    :param issue: Flink's issue, such as ``FLINK-8934``.
    :param description: what goes wrong, in our own words.
    :param model: the name of the model that has the bug.
    :param property: the property that it breaks and that holds in the healthy model; ``fault`` if
        a step leaves the protocol, ``deadlock`` if the model gets stuck.
    :param length: steps of the shortest trace that shows it.
    :param scope: the scope of the model that shows it.
    :param fixed: the versions of Flink that have the fix.
    :param generation: the generation that shows it; None if the model has no generations.
    :param replace: rule of the healthy model -> the wrong rule.
    :param choices: choices of the generation that the bug changes.
    :param bounds: bounds that differ from those of the scope.
    :param likeness: how the bug differs from Flink's own; empty if it is the same.
    """

    issue: str
    description: str
    model: str
    property: str
    length: int
    scope: str
    fixed: str
    generation: str | None = None
    replace: Mapping[Rule, Rule] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)
    bounds: Mapping[str, int] = field(default_factory=dict)
    likeness: str = ""

    def instance(self, bounds: Mapping[str, int] | None = None) -> Instance:
        """The model with this bug.

        :param bounds: override some of the bug's bounds.
        """
        instance = self._instance(self.choices, self.replace, bounds or {})
        instance.defect = self.issue
        return instance

    def healthy(self) -> Instance:
        """The model without this bug, at the same bounds."""
        return self._instance({}, {}, {})

    def _instance(
        self,
        choices: Mapping[str, Any],
        replace: Mapping[Rule, Rule],
        bounds: Mapping[str, int],
    ) -> Instance:
        from slotspec.models import load_model

        return load_model(self.model).instance(
            {**self.bounds, **bounds},
            generation=self.generation,
            scope=self.scope,
            choices=choices,
            replace=replace,
        )
