"""What to write instead, for the slips that Python itself answers with an exception."""

from __future__ import annotations

from slotspec.statemachine.declaration.records import Record
from slotspec.statemachine.declaration.rules import fire
from slotspec.statemachine.errors import suggest

FIRE = "; write fire(s.field, index, Lifecycle.event)"


def hint(error: BaseException) -> str:
    """The fix of a common slip in a rule, to follow the exception's text; may be empty."""
    text = str(error)
    if isinstance(error, AttributeError) and isinstance(error.obj, Record):
        record = type(error.obj)
        known = [*record.fields, *record.constants, *record.part_specs]
        return f"; {suggest(error.name or '', known)}"
    if "'Sort'" in text:
        return "; the elements of a sort are s.elements(SORT)"
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    in_fire = last is not None and last.tb_frame.f_code is fire.__code__
    return FIRE if in_fire or text.startswith("fire()") or "'Event'" in text else ""
