r"""A slot pool of today in plain Python that speaks JSON lines: an example of a peer.

It keeps slots as Flink 2.3's DefaultDeclarativeSlotPool does: its owner tells how many slots of
which profile the job requires, and the pool accepts offers that fit. It needs nothing but Python's
standard library. It reads one request a line from standard input and writes one answer a line to
standard output. Try it with::

    slotspec fuzz --target "python3 examples/peers/declarative_pool_peer.py" \
        --model DefaultDeclarativeSlotPool --generation 2.3

``--bug`` plants a mistake to be found: ``batch`` counts the slots of an offer only after it has
accepted them all, ``idle`` returns idle slots that are still required.
"""

import json
import sys
from collections import Counter


class Raised(Exception):
    """An operation ends with an exception of the protocol, of which the name is given."""


class Slot:
    """A slot that the pool holds."""

    def __init__(self, allocation, tm, index, profile):
        self.allocation, self.tm, self.index, self.profile = allocation, tm, index, profile
        self.payload = False

    def told(self):
        return {"tm": self.tm, "index": self.index, "profile": self.profile}


class Pool:
    """The pool. Its public methods are the operations."""

    def __init__(self, header, bug=None):
        self.bug = bug
        self.profiles = header["profiles"]
        self.order = header.get("profile_order") or list(self.profiles)
        self.any = next(name for name, profile in self.profiles.items() if profile == "ANY")
        self.causes = header["causes"]
        self.idle = header["config"]["idle_slot_timeout_ms"]
        self.interval = header["config"].get("slot_request_max_interval_ms", 0)
        self.required, self.acquired = Counter(), Counter()
        self.slots = {}  # allocation -> slot, oldest first
        self.free = {}  # allocation -> since when, oldest first
        self.matched = {}  # allocation -> the required profile that the slot counts for
        self.stable = True
        self.declaration_due = None
        self.announces = False
        self.listens = self.listens_for_stability = False
        self.clock = 0
        self.effects = []

    def emit(self, name, **fields):
        self.effects.append({"effect": name, **fields})

    # -------------------------------------------------------------- requirements

    def counted(self, counter):
        """A counter as it is told; what is not positive is not there."""
        return [[name, counter[name]] for name in self.order if counter[name] > 0]

    def declare(self):
        self.emit("requirements", requirements=self.counted(self.required))

    def declare_later(self, announces):
        """A declaration that waits already is cancelled, and with it what it would announce."""
        self.declaration_due = self.clock + self.interval
        self.announces = announces

    def change(self, more, less):
        """Require more and less; nothing happens if both are empty."""
        if not more and not less:
            return
        self.required = self.required + more - less
        if self.interval == 0:
            self.declare()
        else:
            self.stable = False
            self.declare_later(announces=True)

    def adjust(self, old, new):
        """A slot that counted for one requirement counts for another."""
        self.required = self.required - Counter([new]) + Counter([old])
        if self.interval == 0:
            self.declare()
        else:
            self.declare_later(announces=False)

    def matches(self, profile, wanted):
        have, need = self.profiles[profile], self.profiles[wanted]
        if have == "UNKNOWN":
            raise Raised("UnsupportedOperationException")
        return have == "ANY" or have == need or need == "UNKNOWN"

    def requirement_for(self, profile, acquired):
        """The requirement that a new slot counts for: its own profile, or the first that fits."""
        if self.required[profile] > acquired[profile]:
            return profile
        for wanted in self.order:
            required = self.required[wanted]
            if required > 0 and self.matches(profile, wanted) and required > acquired[wanted]:
                return wanted
        return None

    # --------------------------------------------------------------------- slots

    def take_offers(self, tm, offers, otherwise):
        """Accept what is required, or for `otherwise`; held slots are accepted again."""
        accepted, new = [], []
        acquired = Counter(self.acquired) if self.bug == "batch" else self.acquired
        for offer in offers:
            allocation = offer["allocation"]
            if allocation not in self.slots:
                requirement = self.requirement_for(offer["profile"], acquired) or otherwise
                if requirement is None:
                    continue
                self.acquired[requirement] += 1
                self.matched[allocation] = requirement
                new.append(Slot(allocation, tm, offer["index"], offer["profile"]))
            accepted.append(allocation)
        for slot in new:
            if slot.allocation in self.slots:
                raise Raised("IllegalStateException")
            self.slots[slot.allocation] = slot
            self.free[slot.allocation] = self.clock
        self.tell_of([slot.allocation for slot in new])
        return accepted

    def tell_of(self, allocations):
        if allocations and self.listens:
            self.emit("new_slots", allocations=allocations)

    def release_payload(self, slot, cause):
        if slot.payload:
            slot.payload = False
            self.emit("payload.released", allocation=slot.allocation, cause=cause)

    def give_back(self, slots, cause):
        """Slots leave the pool; returns what the reserved ones counted for."""
        reserved = [slot for slot in slots if slot.allocation not in self.free]
        counter = Counter(self.matched[slot.allocation] for slot in reserved)
        for slot in slots:
            del self.slots[slot.allocation]
            self.free.pop(slot.allocation, None)
        for slot in reserved:
            self.release_payload(slot, cause)
        for slot in slots:
            if slot.payload:
                raise Raised("IllegalStateException")
            self.acquired -= Counter([self.matched.pop(slot.allocation)])
            self.emit("tm.free_slot", tm=slot.tm, allocation=slot.allocation, cause=cause)
        return self.counted(counter)

    # ---------------------------------------------------------------- operations

    def increase_resource_requirements_by(self, requirements):
        self.change(Counter(dict(requirements)), Counter())

    def decrease_resource_requirements_by(self, requirements):
        self.change(Counter(), Counter(dict(requirements)))

    def set_resource_requirements(self, requirements):
        self.required = Counter(dict(requirements))
        self.declare()

    def get_resource_requirements(self):
        return self.counted(self.required)

    def offer_slots(self, tm, offers):
        return self.take_offers(tm, offers, None)

    def register_slots(self, tm, offers):
        return self.take_offers(tm, offers, self.any)

    def reserve_free_slot(self, allocation, profile):
        if allocation not in self.slots:
            raise Raised("NullPointerException")
        if allocation not in self.free:
            raise Raised("IllegalStateException")
        del self.free[allocation]  # also if the slot does not match
        if not self.matches(self.slots[allocation].profile, profile):
            raise Raised("IllegalStateException")
        old = self.matched[allocation]
        if old != profile:
            self.matched[allocation] = profile
            self.acquired = self.acquired + Counter([profile]) - Counter([old])
            if old != self.any:
                self.adjust(old, profile)
        return allocation

    def free_reserved_slot(self, allocation, cause):
        if allocation not in self.slots or allocation in self.free:
            return []
        self.free[allocation] = self.clock
        self.release_payload(self.slots[allocation], None if cause is None else self.causes[cause])
        self.tell_of([allocation])
        return [[self.matched[allocation], 1]]

    def release_slot(self, allocation, cause):
        return self.give_back(
            [self.slots[a] for a in [allocation] if a in self.slots], self.causes[cause]
        )

    def release_slots(self, tm, cause):
        return self.give_back(
            [slot for slot in self.slots.values() if slot.tm == tm], self.causes[cause]
        )

    def release_idle_slots(self):
        excess = Counter(self.acquired)
        if self.bug != "idle":
            excess -= self.required
        going = []
        for allocation, since in self.free.items():
            profile = self.matched[allocation]
            if self.clock - since >= self.idle and excess[profile] > 0:
                excess[profile] -= 1
                going.append(self.slots[allocation])
        self.give_back(going, "FlinkException")

    def register_new_slots_listener(self):
        if self.listens:
            raise Raised("IllegalStateException")
        self.listens = True

    def register_stable_listener(self):
        if self.listens_for_stability:
            raise Raised("IllegalStateException")
        self.listens_for_stability = True

    def assign_payload(self, allocation):
        slot = self.slots.get(allocation)
        if slot is None:
            return None
        first, slot.payload = not slot.payload, True
        return first

    def contains_slots(self, tm):
        return any(slot.tm == tm for slot in self.slots.values())

    def contains_free_slot(self, allocation):
        return allocation in self.free

    def get_all_slots_information(self):
        return [{"allocation": a, **self.slots[a].told()} for a in sorted(self.slots, key=natural)]

    def get_available_slots_information(self):
        told = []
        for allocation in self.free:
            slot = self.slots[allocation]
            here = [other for other in self.slots.values() if other.tm == slot.tm]
            used = sum(other.allocation not in self.free for other in here)
            told.append({"allocation": allocation, **slot.told(), "utilization": used / len(here)})
        return told

    def advance_time(self, ms):
        until = self.clock + ms
        if self.declaration_due is not None and self.declaration_due <= until:
            self.clock, self.declaration_due = self.declaration_due, None
            self.declare()
            if self.announces:
                self.stable = True
                if self.listens_for_stability:
                    self.emit("stable")
        self.clock = until

    # --------------------------------------------------------------------- state

    def state(self):
        """Everything the pool remembers; a peer may leave this out."""
        by_tm = {}
        for slot in self.slots.values():
            by_tm.setdefault(slot.tm, []).append(slot.allocation)
        return {
            "required": self.counted(self.required),
            "acquired": self.counted(self.acquired),
            "slots": {a: {**s.told(), "payload": s.payload} for a, s in self.slots.items()},
            "matched": self.matched,
            "free": self.free,
            "by_tm": by_tm,
            "stable": self.stable,
            "timers": [] if self.declaration_due is None else [self.declaration_due],
            "clock": self.clock,
        }


def natural(name):
    """Sort key by which a2 comes before a10."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    return (stem, int(digits) if digits else -1, name)


OPERATIONS = {
    *("increase_resource_requirements_by", "decrease_resource_requirements_by"),
    *("set_resource_requirements", "get_resource_requirements", "offer_slots", "register_slots"),
    *("reserve_free_slot", "free_reserved_slot", "release_slot", "release_slots"),
    *("release_idle_slots", "register_new_slots_listener", "register_stable_listener"),
    *("assign_payload", "contains_slots", "contains_free_slot", "get_all_slots_information"),
    *("get_available_slots_information", "advance_time"),
}


def answer(pool, question):
    """Run one operation."""
    op = question.pop("op", None)
    if op not in OPERATIONS:
        return {"error": f"no operation {op}"}
    pool.effects = []
    said = {"result": None}
    try:
        said["result"] = getattr(pool, op)(**question)
    except Raised as raised:
        said["raises"] = str(raised)
    return {**said, "effects": pool.effects, "state": pool.state()}


def main(arguments):
    bug = arguments[arguments.index("--bug") + 1] if "--bug" in arguments else None
    pool = None
    for line in sys.stdin:
        question = json.loads(line)
        if "reset" in question:
            pool, said = Pool(question["reset"], bug), {"ready": True}
        else:
            said = answer(pool, question)
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
