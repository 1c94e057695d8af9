"""A bounded mailbox, as somebody new to slotspec would declare it; tests make mistakes in it."""

import slotspec as sl

LETTERS = sl.Sort("letters", "Letters to be sent.", default=2, ordered=True)


class Letter(sl.Lifecycle):
    """A letter as the producer sees it."""

    DRAFT = sl.State("Not yet sent.", initial=True)
    SENT = sl.State("Sent.", final=True)

    send = sl.Event("The producer sends it.", (DRAFT, SENT))


class Effect(sl.Effects):
    """What the mailbox tells the world."""

    TAKEN = sl.effect("letter", "seen")


class State(sl.Record):
    """The mailbox, and what is on its way."""

    letter: sl.Array = sl.per(LETTERS, Letter, "Each letter.")
    wire: sl.Array = sl.messages(LETTERS, "On the way.", source="producer", target="mailbox")
    box: sl.Array = sl.sequence(LETTERS, "In the mailbox.", at_most=2)
    seen: sl.Array = sl.subset(LETTERS, "Ever stored.")


model = sl.Model("mailbox", "A bounded mailbox.", State, effects=Effect)


def twice(n: int) -> int:
    """A helper."""
    return n * 2


@model.action(letter=LETTERS)
def post(s: State, letter: int) -> int:
    """The producer sends a letter."""
    if s.letter[letter] != Letter.DRAFT:
        return sl.DISABLED
    sl.fire(s.letter, letter, Letter.send)
    sl.send(s.wire, letter)
    return letter


@model.action(letter=LETTERS)
def deliver(s: State, letter: int) -> int:
    """A letter arrives."""
    if not sl.receive(s.wire, letter):
        return sl.DISABLED
    sl.append(s.box, letter)
    sl.add(s.seen, letter)
    return letter


@model.action()
def take(s: State) -> int:
    """The consumer takes the oldest letter."""
    if sl.length(s.box) == 0:
        return sl.DISABLED
    letter = sl.take_first(s.box)
    sl.emit(s, Effect.TAKEN, letter, s.seen[letter])
    return letter


@model.always("A bounded mailbox.")
def fits(s: State) -> bool:
    """The box has room for all letters, and its own length is its room."""
    return sl.length(s.box) <= len(s.box)


def taken(s: State, letter: int) -> bool:
    """Whether the letter has been stored."""
    return s.seen[letter] == 1


@model.step("A bounded mailbox.")
def only_what_was_seen(after: State) -> bool:
    """Only a letter that arrived is taken; an argument of an effect may be named as a field."""
    return all(e.seen and after.seen[e.letter] for e in after.effects)


@model.sometimes("A bounded mailbox.")
def all_is_sent(s: State) -> bool:
    """Everything is sent."""
    return all(state == Letter.SENT for state in s.letter)


@model.final_states
def done(s: State) -> bool:
    """Nothing is on its way."""
    return sl.length(s.box) == 0
