"""Hold your own slot pool, or another of the modelled classes, against the model, from a test.

In under ten lines::

    from slotspec.testing import SlotPoolConformance
    from mine import PoolAdapter

    class TestPool(SlotPoolConformance):
        generation = "1.12"
        factory = PoolAdapter

Of another class, say which: ``model = "slot_manager"``. What an adapter is,
:class:`slotspec.oracle.peers.python.Adapter` says. The test is driven by Hypothesis under
whatever profile is loaded. Importing this module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

Factory = Callable[[Mapping[str, Any]], Any]


def slotspec_conformance(
    factory: Factory, *, generation: str, steps: int = 40, model: str = "slot_pool"
) -> Callable[[], None]:
    """A test function that holds an object against a generation of the model.

    Write ``test_pool = slotspec_conformance(PoolAdapter, generation="1.12")``.

    :param factory: makes an adapter from the header of a trace.
    :param steps: length of the longest sequence.
    :param model: which class it is one of.
    """

    def test_conformance() -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps, model)

    return test_conformance


class SlotPoolConformance:
    """Base class of a test: give it a `factory`, a `generation`, and a `model` if it is not
    about a slot pool."""

    factory: ClassVar[Factory]
    generation: ClassVar[str]
    steps: ClassVar[int] = 40
    model: ClassVar[str] = "slot_pool"

    def test_conformance(self) -> None:
        """Random sequences do in the adapter's object what they do in the model."""
        from slotspec.testing.conformance import run

        # looked up in the class: a function must not become a method here
        factory = next(vars(c)["factory"] for c in type(self).__mro__ if "factory" in vars(c))
        if isinstance(factory, staticmethod):
            factory = factory.__func__
        run(factory, self.generation, self.steps, self.model)


class SlotspecConformance(SlotPoolConformance):
    """The same under a name for every class: give it a `model`, too."""


def checked(
    factory: Factory,
    *,
    generation: str,
    header: Mapping[str, Any] | None = None,
    **config: int,
) -> Any:
    """An object that is checked at each call: failing sequences are told as programs with it.

    :param header: the header of a trace, which says the class; None: a slot pool's.
    :param config: settings of the header's ``config``, such as ``idle_slot_timeout_ms``.
    """
    from slotspec.testing.conformance import CheckedObject

    return CheckedObject(factory, generation, header, config)
