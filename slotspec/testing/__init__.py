"""Hold your own slot pool against the model, from a test.

In under ten lines::

    from slotspec.testing import SlotPoolConformance
    from mine import PoolAdapter

    class TestPool(SlotPoolConformance):
        generation = "1.12"
        factory = PoolAdapter

What an adapter is, :class:`slotspec.oracle.peers.python.Adapter` says. The test is driven by
Hypothesis under whatever profile is loaded. Importing this module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

Factory = Callable[[Mapping[str, Any]], Any]


def slotspec_conformance(
    factory: Factory, *, generation: str, steps: int = 40
) -> Callable[[], None]:
    """A test function that holds a slot pool against a generation of the model.

    Write ``test_pool = slotspec_conformance(PoolAdapter, generation="1.12")``.

    :param factory: makes an adapter from the header of a trace.
    :param steps: length of the longest sequence.
    """

    def test_conformance() -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps)

    return test_conformance


class SlotPoolConformance:
    """Base class of a test: give it a `factory` and a `generation`."""

    factory: ClassVar[Factory]
    generation: ClassVar[str]
    steps: ClassVar[int] = 40

    def test_conformance(self) -> None:
        """Random sequences do in the adapter's pool what they do in the model."""
        from slotspec.testing.conformance import run

        # looked up in the class: a function must not become a method here
        factory = next(vars(c)["factory"] for c in type(self).__mro__ if "factory" in vars(c))
        if isinstance(factory, staticmethod):
            factory = factory.__func__
        run(factory, self.generation, self.steps)


def checked(factory: Factory, *, generation: str, **config: int) -> Any:
    """A pool that is checked at each call: failing sequences are told as programs that use it.

    :param config: ``idle_slot_timeout_ms`` and ``batch_slot_timeout_ms``.
    """
    from slotspec.testing.conformance import CheckedPool

    return CheckedPool(factory, generation, config)
