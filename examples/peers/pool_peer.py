"""A slot pool in plain Python that speaks JSON lines: an example of a peer.

It needs nothing but Python's standard library. It keeps a slot pool as Flink 1.12 does, reads
one request a line from standard input and writes one answer a line to standard output::

    {"reset": {"config": {…}, "profiles": {…}, "causes": {…}, …}}   ->  {"ready": true}
    {"op": "release_slot", "request": "r1", "cause": null}          ->  {"result": null,
                                                                         "effects": […], …}

Try it with::

    slotspec fuzz --target "python3 examples/peers/pool_peer.py" --generation 1.12
    slotspec fuzz --target "python3 examples/peers/pool_peer.py --bug lifo" --generation 1.12

``--bug`` plants a mistake to be found: ``lifo`` serves the newest request first, ``remap``
forgets who waited for a slot that another request got.
"""

import json
import sys

NULL_POINTER = "NullPointerException"


class Raised(Exception):
    """An operation ends with an exception of the protocol, of which the name is given."""


class Request:
    """One call of request_new_allocated_slot or of its batch form."""

    def __init__(self, name, attempt, profile, batch):
        self.name, self.attempt, self.profile, self.batch = name, attempt, profile, batch
        self.open = True
        self.waited = False
        self.rm = None
        self.allocation = None
        self.unfulfillable_since = None


class Slot:
    """A slot that the pool holds."""

    def __init__(self, allocation, tm, index, profile):
        self.allocation, self.tm, self.index, self.profile = allocation, tm, index, profile
        self.payload = False

    def told(self):
        return {"tm": self.tm, "index": self.index, "profile": self.profile}


class TwoKeyMap:
    """An ordered map whose entries are found by either of two keys."""

    def __init__(self):
        self.entries = {}  # first key -> (second key, value)
        self.firsts = {}  # second key -> first key

    def put(self, first, second, value):
        if self.firsts.get(second) != first:
            self.remove(self.firsts.get(second))
            if first in self.entries:
                self.firsts.pop(self.entries[first][0], None)
        self.entries[first] = (second, value)
        self.firsts[second] = first

    def get(self, first):
        return self.entries[first][1] if first in self.entries else None

    def get_by_second(self, second):
        return self.get(self.firsts.get(second))

    def remove(self, first):
        second, value = self.entries.pop(first, (None, None))
        if value is not None and self.firsts.get(second) == first:
            del self.firsts[second]
        return value

    def values(self):
        return [value for _, value in self.entries.values()]

    def clear(self):
        self.entries.clear()
        self.firsts.clear()


class Pool:
    """The slot pool. Its public methods are the operations."""

    def __init__(self, header, bug=None):
        self.bug = bug
        self.profiles = header["profiles"]
        self.causes = {name: chain.split("<-") for name, chain in header["causes"].items()}
        self.idle = header["config"]["idle_slot_timeout_ms"]
        self.batch = header["config"]["batch_slot_timeout_ms"]
        self.executor = self.started = False
        self.rm = None
        self.batch_check = True
        self.registered = set()
        self.pending = TwoKeyMap()  # request, allocation
        self.waiting = {}
        self.allocated = TwoKeyMap()  # allocation, request
        self.index = []  # every allocated slot, leaked ones too
        self.available = {}  # allocation -> (slot, since)
        self.calls = {}  # allocation -> request that the open call was made for
        self.attempts = {}  # request -> number of calls that returned
        self.requests = {}  # (request, attempt) -> Request
        self.generated = 0
        self.known = set()
        self.clock = 0
        self.timers = []  # (due, number, what)
        self.scheduled = 0
        self.effects, self.unordered = [], []

    def emit(self, name, **fields):
        self.effects.append({"effect": name, **fields})

    def any_order(self, begin):
        if len(self.effects) - begin > 1:
            self.unordered.append([begin, len(self.effects)])

    def check_started(self):
        if not self.executor:
            raise Raised(NULL_POINTER)

    # ------------------------------------------------------------------ requests

    def caller(self, request):
        more = {"attempt": request.attempt} if request.attempt > 1 else {}
        return {"request": request.name, **more}

    def take(self, name):
        request = self.waiting.pop(name, None)
        return request if request is not None else self.pending.remove(name)

    def cancel_asked(self, request):
        if request.rm is not None:
            self.emit("rm.cancel_slot_request", allocation=request.allocation, rm=request.rm)

    def fail(self, request, error, root):
        while request is not None and request.open:
            request.open = False
            if request.waited:
                self.cancel_asked(request)
            self.emit("request.failed", **self.caller(request), error=error, root_cause=root)
            if not request.waited:
                self.cancel_asked(request)
            if error != "TimeoutException" or request.batch:
                return
            request, root = self.take(request.name), error

    def ask(self, name, profile, batch):
        self.check_started()
        attempt = self.attempts[name] = self.attempts.get(name, 0) + 1
        request = self.requests[name, attempt] = Request(name, attempt, profile, batch)
        if self.rm is None:
            request.waited = True
            self.waiting[name] = request
        else:
            self.send(request)

    def send(self, request):
        self.generated += 1
        while f"a{self.generated}" in self.known:
            self.generated += 1
        request.allocation = f"a{self.generated}"
        request.rm = self.rm
        self.known.add(request.allocation)
        self.pending.put(request.name, request.allocation, request)
        if not request.open:
            self.cancel_asked(request)
        self.emit(
            "rm.request_slot", allocation=request.allocation, profile=request.profile, rm=self.rm
        )
        self.calls[request.allocation] = request.name

    def ignorable(self, request, chain):
        return request.batch and "UnfulfillableSlotRequestException" not in chain

    # --------------------------------------------------------------------- slots

    def satisfies(self, slot, wanted):
        have, need = self.profiles[slot], self.profiles[wanted]
        if have == "ANY" or have == need:
            return True
        if have == "UNKNOWN" or need == "ANY":
            return False
        if need == "UNKNOWN":
            return True
        extended = have["extended"]
        return all(have[k] >= v for k, v in need.items() if k != "extended") and all(
            extended.get(k, -1) >= v for k, v in need["extended"].items()
        )

    def enter(self, name, slot):
        self.allocated.put(slot.allocation, name, slot)
        self.index.append(slot)

    def leave(self, slot):
        self.allocated.remove(slot.allocation)
        self.index.remove(slot)

    def release_payload(self, slot):
        if slot.payload:
            slot.payload = False
            self.emit("payload.released", allocation=slot.allocation)

    def free(self, slot):
        self.emit("tm.free_slot", tm=slot.tm, allocation=slot.allocation)

    def place(self, slot):
        """Serve the first request that the slot satisfies, or keep the slot."""
        queue = [*self.pending.values(), *self.waiting.values()]
        if self.bug == "lifo":
            queue.reverse()
        for request in queue:
            if self.satisfies(slot.profile, request.profile):
                break
        else:
            self.available[slot.allocation] = (slot, self.clock)
            return
        self.take(request.name)
        self.enter(request.name, slot)
        if request.open:
            request.open = False
            self.emit("request.fulfilled", **self.caller(request), allocation=slot.allocation)
        orphan = request.allocation
        if orphan is None or orphan == slot.allocation:
            return
        heir = self.pending.get_by_second(slot.allocation)
        if heir is not None and self.bug != "remap":
            heir.allocation = orphan
            self.pending.put(heir.name, orphan, heir)
        elif self.rm is not None:
            self.emit("rm.cancel_slot_request", allocation=orphan, rm=self.rm)

    def slots_of(self, tm):
        here = [slot for slot, _ in self.available.values() if slot.tm == tm]
        return here, [slot for slot in self.index if slot.tm == tm]

    # ---------------------------------------------------------------- operations

    def start(self):
        self.executor = self.started = True
        self.schedule("idle")
        self.schedule("batch")

    def suspend(self):
        self.check_started()
        self.cancel_pending()
        self.started = False
        self.rm = None
        self.clear()

    def close(self):
        self.cancel_pending()
        begin = len(self.effects)
        for tm in sorted(self.registered):
            self.give_up(tm)
        self.any_order(begin)
        self.clear()

    def cancel_pending(self):
        if self.rm is not None:
            for request in self.pending.values():
                self.emit("rm.cancel_slot_request", allocation=request.allocation, rm=self.rm)
        self.any_order(0)

    def clear(self):
        for collection in (self.registered, self.pending, self.waiting, self.allocated):
            collection.clear()
        self.index.clear()
        self.available.clear()

    def connect_to_resource_manager(self, rm):
        self.rm = rm
        requests = list(self.waiting.values())
        self.waiting.clear()
        for request in requests:
            self.send(request)

    def disconnect_resource_manager(self):
        self.rm = None

    def register_task_manager(self, tm):
        self.check_started()
        new = tm not in self.registered
        self.registered.add(tm)
        return new

    def release_task_manager(self, tm):
        self.check_started()
        if tm not in self.registered:
            return False
        self.registered.remove(tm)
        middle = self.give_up(tm)
        if middle > 1:
            self.unordered.append([0, middle])
        self.any_order(middle)
        return True

    def give_up(self, tm):
        available, allocated = self.slots_of(tm)
        for slot in allocated:
            # whoever is there: under the id of a leaked slot another may be allocated
            self.allocated.remove(slot.allocation)
            self.index.remove(slot)
            self.release_payload(slot)
        middle = len(self.effects)
        for slot in available:
            del self.available[slot.allocation]
        for slot in [*allocated, *available]:
            self.free(slot)
        return middle

    def offer_slots(self, tm, offers):
        if offers:
            self.check_started()
        accepted = []
        for offer in offers:
            self.known.add(offer["allocation"])
            if self.offer(tm, **offer):
                accepted.append(offer["allocation"])
        return accepted

    def offer(self, tm, allocation, index, profile):
        if tm not in self.registered:
            return False
        held = self.allocated.get(allocation) or self.available.get(allocation, (None, 0))[0]
        if held is not None:
            return held.tm == tm and held.index == index
        self.place(Slot(allocation, tm, index, profile))
        return True

    def fail_allocation(self, allocation, cause):
        self.check_started()
        chain = self.causes[cause]
        request = self.pending.get_by_second(allocation)
        if request is not None:
            if not self.ignorable(request, chain):
                self.take(request.name)
                self.fail(request, chain[0], chain[-1])
            return None
        if allocation in self.available:
            slot = self.available.pop(allocation)[0]
        elif self.allocated.get(allocation) is not None:
            slot = self.allocated.get(allocation)
            self.leave(slot)
        else:
            return None
        self.free(slot)
        self.release_payload(slot)
        return None if any(self.slots_of(slot.tm)) else slot.tm

    def request_new_allocated_slot(self, request, profile):
        self.ask(request, profile, False)

    def request_new_allocated_batch_slot(self, request, profile):
        self.ask(request, profile, True)

    def allocate_available_slot(self, request, allocation):
        self.check_started()
        if allocation not in self.available:
            return None
        self.enter(request, self.available.pop(allocation)[0])
        return allocation

    def release_slot(self, request, cause):
        self.check_started()
        taken = self.take(request)
        if taken is not None:
            root = "FlinkException" if cause is None else self.causes[cause][-1]
            self.fail(taken, "FlinkException", root)
            return
        slot = self.allocated.get_by_second(request)
        if slot is not None:
            self.leave(slot)
            self.release_payload(slot)
            self.place(slot)

    def request_timeout(self, request, attempt=1):
        found = self.requests.get((request, attempt))
        if found is None or not found.open:
            return False
        self.fail(found, "TimeoutException", "TimeoutException")
        return True

    def resource_manager_acknowledges(self, allocation):
        return self.calls.pop(allocation, None) is not None

    def resource_manager_fails(self, allocation, cause):
        name = self.calls.pop(allocation, None)
        if name is None:
            return False
        chain, request = self.causes[cause], self.pending.get(name)
        if request is not None and not self.ignorable(request, chain):
            self.take(name)
            self.fail(request, "NoResourceAvailableException", chain[-1])
        return True

    def assign_payload(self, allocation):
        slot = self.allocated.get(allocation)
        if slot is None:
            return None
        new, slot.payload = not slot.payload, True
        return new

    def disable_batch_slot_request_timeout_check(self):
        self.batch_check = False

    def get_available_slots_information(self):
        told = []
        for slot, _ in self.available.values():
            free, used = self.slots_of(slot.tm)
            share = len(used) / (len(used) + len(free))
            told.append({"allocation": slot.allocation, **slot.told(), "utilization": share})
        return sorted(told, key=lambda slot: natural(slot["allocation"]))

    def get_allocated_slots_information(self):
        return [{"allocation": s.allocation, **s.told()} for s in self.allocated.values()]

    def create_allocated_slot_report(self, tm):
        return [
            {"allocation": slot.allocation, "index": slot.index}
            for half in self.slots_of(tm)
            for slot in sorted(half, key=lambda s: (natural(s.allocation), s.index))
        ]

    # ---------------------------------------------------------------------- time

    def schedule(self, what):
        self.scheduled += 1
        delay = self.idle if what == "idle" else self.batch
        self.timers.append((self.clock + delay, self.scheduled, what))

    def advance_time(self, ms):
        until = self.clock + ms
        while self.timers and min(self.timers)[0] <= until:
            timer = min(self.timers)
            self.timers.remove(timer)
            self.clock = timer[0]
            if timer[2] == "idle":
                self.check_idle_slots()
            elif self.batch_check:
                self.check_batch_requests()
        self.clock = until

    def check_idle_slots(self):
        begin = len(self.effects)
        for slot, since in list(self.available.values()):
            if self.clock - since > self.idle:
                del self.available[slot.allocation]
                self.free(slot)
        self.any_order(begin)
        self.schedule("idle")

    def check_batch_requests(self):
        slots = [*self.allocated.values(), *(slot for slot, _ in self.available.values())]
        late = []
        for request in [*self.pending.values(), *self.waiting.values()]:
            if not request.batch:
                continue
            if any(self.satisfies(slot.profile, request.profile) for slot in slots):
                request.unfulfillable_since = None
                continue
            if request.unfulfillable_since is None:
                request.unfulfillable_since = self.clock
            if request.unfulfillable_since + self.batch <= self.clock:
                late.append(request.name)
        for name in late:
            self.fail(self.take(name), "TimeoutException", "TimeoutException")
        self.schedule("batch")

    # --------------------------------------------------------------------- state

    def state(self):
        """Everything the pool remembers; a peer may leave this out."""
        requests_of = {a: (r, slot) for a, (r, slot) in self.allocated.entries.items()}
        state = {
            "started": self.started,
            "connected": self.rm is not None,
            "task_managers": sorted(self.registered),
            "allocated": {
                a: {"request": r, **slot.told(), "payload": slot.payload}
                for a, (r, slot) in requests_of.items()
            },
            "available": {
                a: {**slot.told(), "since": since} for a, (slot, since) in self.available.items()
            },
            "pending": [
                {
                    "request": request.name,
                    "allocation": request.allocation,
                    "origin": request.allocation,
                    **self.queued(request),
                }
                for request in self.pending.values()
            ],
            "waiting": [
                {"request": request.name, **self.queued(request)}
                for request in self.waiting.values()
            ],
            "batch_timeout_check": self.batch_check,
            "clock": self.clock,
        }
        leaked = [s for s in self.index if self.allocated.get(s.allocation) is not s]
        if leaked:
            told = [{"allocation": s.allocation, **s.told(), "payload": s.payload} for s in leaked]
            state["leaked"] = sorted(
                told, key=lambda s: (natural(s["allocation"]), *map(str, s.values()))
            )
        return state

    def queued(self, request):
        return {
            "profile": request.profile,
            "batch": request.batch,
            "unfulfillable_since": request.unfulfillable_since,
        }


def natural(name):
    """Sort key by which a2 comes before a10."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    return (stem, int(digits) if digits else -1, name)


OPERATIONS = {
    name
    for name in vars(Pool)
    if name.split("_")[0]
    in (
        *("start", "suspend", "close", "connect", "disconnect", "register", "release", "offer"),
        *("fail", "get", "allocate", "request", "disable", "create", "resource", "assign"),
        "advance",
    )
} - {"fail", "offer", "release_payload"}


def answer(pool, question):
    """Run one operation."""
    op = question.pop("op", None)
    if op not in OPERATIONS:
        return {"error": f"no operation {op}"}
    pool.effects, pool.unordered = [], []
    said = {"result": None}
    try:
        said["result"] = getattr(pool, op)(**question)
    except Raised as raised:
        said["raises"] = str(raised)
    said["effects"] = pool.effects
    if pool.unordered:
        said["unordered"] = pool.unordered
    said["state"] = pool.state()
    return said


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
