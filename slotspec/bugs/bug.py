"""A known bug of Flink's slot protocol as a switchable defect of a healthy model.

Each is declared in a module of its own, ``flink_NNNN.py``, as an element of its ``BUGS``: the
rules that are wrong and what shows it. Nothing of it is in the models.
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
    """One known bug: how to switch it on, and what a check finds then.

    :param issue: Flink's issue, such as ``FLINK-8934``.
    :param sentence: what goes wrong, in our own words.
    :param model: name of the model that it is a defect of.
    :param property: name of the property that it breaks, which the healthy model has; or
        ``fault`` where a step leaves the protocol, ``deadlock`` where the model gets stuck.
    :param length: number of steps of the shortest trace that shows it.
    :param replace: rule of the healthy model -> the wrong rule.
    :param choices: named choices of the generation that are wrong, where the defect is one.
    :param generation: the generation that it is shown in; None: the model has none.
    :param scope: the scope of the model that it is shown in.
    :param bounds: bounds that differ from those of the scope.
    :param fixed: Flink's versions that have the fix.
    :param likeness: how near the defect is to Flink's own, where it is not the same.
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

        :param bounds: bounds of your own instead of some of the bug's.
        """
        instance = self._instance(self.choices, self.replace, bounds or {})
        instance.defect = self.issue
        return instance

    def healthy(self) -> Instance:
        """The model without it, at the same bounds."""
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
