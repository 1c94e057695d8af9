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

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

Factory = Callable[[Mapping[str, Any]], Any]


def slotspec_conformance(
    factory: Factory, *, generation: str, steps: int = 40, model: str = "slot_pool"
) -> Callable[[], None]:
    """A test function that compares an object with a generation of the model.

    Write ``test_pool = slotspec_conformance(PoolAdapter, generation="1.12")``.

    :param factory: makes an adapter from the header of a trace.
    :param steps: length of the longest sequence.
    :param model: the class that the object implements.
    """

    def test_conformance() -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps, model)

    return test_conformance


class SlotPoolConformance:
    """Base class of a test: set `factory`, `generation`, and `model` for other classes."""

    factory: ClassVar[Factory]
    generation: ClassVar[str]
    steps: ClassVar[int] = 40
    model: ClassVar[str] = "slot_pool"

    def test_conformance(self) -> None:
        """Random sequences give the same results on the adapter's object and in the model."""
        from slotspec.testing.conformance import run

        # look the factory up in the class, where a function does not become a method
        factory = next(vars(c)["factory"] for c in type(self).__mro__ if "factory" in vars(c))
        if isinstance(factory, staticmethod):
            factory = factory.__func__
        run(factory, self.generation, self.steps, self.model)


class SlotspecConformance(SlotPoolConformance):
    """The same test under a name that fits every class: set `model`, too."""


def checked(
    factory: Factory,
    *,
    generation: str,
    header: Mapping[str, Any] | None = None,
    **config: int,
) -> Any:
    """An object that compares each call with the model; failing tests print programs that use it.

    :param header: the header of a trace, which names the class; None means a slot pool.
    :param config: entries of the header's ``config``, such as ``idle_slot_timeout_ms``.
    """
    from slotspec.testing.conformance import CheckedObject

    return CheckedObject(factory, generation, header, config)
