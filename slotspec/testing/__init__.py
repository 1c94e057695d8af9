"""Test your own slot pool, or another of the modelled classes, against the model.

A test takes a few lines::

    from slotspec.testing import SlotPoolConformance
    from mine import PoolAdapter

    class TestPool(SlotPoolConformance):
        generation = "1.12"
        factory = PoolAdapter

For another class set ``model = "slot_manager"``. See
:class:`slotspec.oracle.peers.python.Adapter` for what an adapter must do. Hypothesis drives the
test under the loaded profile. Importing this module is cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from slotspec.statemachine.declaration.model import Model

Factory = Callable[[Mapping[str, Any]], Any]


def slotspec_conformance(
    factory: Factory,
    *,
    generation: str | None = None,
    steps: int = 40,
    model: str | Model | None = None,
    operations: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Callable[[], None]:
    """A test function that compares an object with a generation of the model.

    Write ``test_pool = slotspec_conformance(PoolAdapter, generation="1.12")``.

    :param factory: makes an adapter from the header of a trace.
    :param steps: length of the longest sequence.
    :param generation: such as ``1.12``; by default the newest of the model.
    :param model: the class that the object implements, by default the slot pool of the
        generation; for a protocol of your own its model, or ``file.py[:attribute]``.
    :param operations: the operations that the object implements, if not all. Sequences have no
        others; in a protocol of your own, the model takes those.
    :param config: entries that the configuration of every sequence has, as in the header of a
        trace: ``{"strategy": "simple"}``.
    """

    def test_conformance() -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps, model, operations, config)

    return test_conformance


class SlotPoolConformance:
    """Base class of a test: set `factory`, `generation`, and `model` for other classes.

    See :func:`slotspec_conformance` for what they mean.
    """

    factory: ClassVar[Factory]
    generation: ClassVar[str | None] = None
    steps: ClassVar[int] = 40
    model: ClassVar[str | Model | None] = None
    operations: ClassVar[Sequence[str] | None] = None
    config: ClassVar[Mapping[str, Any] | None] = None

    def test_conformance(self) -> None:
        """Random sequences give the same results on the adapter's object and in the model."""
        from slotspec.testing.conformance import run

        # look the factory up in the class, where a function does not become a method
        found = (vars(c)["factory"] for c in type(self).__mro__ if "factory" in vars(c))
        factory = next(found, None)
        if factory is None:
            raise TypeError(
                f"{type(self).__name__} has no factory; set factory = the class or function that"
                " makes your adapter"
            )
        if isinstance(factory, staticmethod):
            factory = factory.__func__
        run(factory, self.generation, self.steps, self.model, self.operations, self.config)


class SlotspecConformance(SlotPoolConformance):
    """The same test under a name that fits every class: set `model`, too."""


def checked(
    factory: Factory,
    *,
    generation: str,
    header: Mapping[str, Any] | None = None,
    model: str | Model | None = None,
    operations: Sequence[str] | None = None,
    **config: int,
) -> Any:
    """An object that compares each call with the model; failing tests print programs that use it.

    :param header: the header of a trace, which names the class; None means a slot pool.
    :param model: the model, or ``file.py[:attribute]``, if it is not built in.
    :param operations: the operations that the object implements, if not all.
    :param config: entries of the header's ``config``, such as ``idle_slot_timeout_ms``.
    """
    from slotspec.testing.conformance import CheckedObject

    return CheckedObject(factory, generation, header, config, model, operations)
