"""A lease-based lock service: clients, a server, messages that get lost, and time.

A client may use the lock until its own lease ends. The server gives the lock to somebody else when
the lease that it granted has ended; it counts from later on, so it waits longer than the client.

    slotspec check examples/lease.py
    slotspec fuzz --model examples/lease.py --target examples.lease_server:server
"""

from __future__ import annotations

from slotspec import (
    DISABLED,
    NONE,
    Array,
    Bound,
    Event,
    Fairness,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    constant,
    fire,
    messages,
    number,
    per,
    receive,
    ref,
    scalar,
    send,
)

CLIENTS = Sort("clients", "Who wants the lock.", default=2)
LOSSES = Bound("losses", "Messages that may get lost.", default=1)
TERM = Bound("term", "Ticks that a lease lasts.", default=2, minimum=1, maximum=9)


class Client(Lifecycle):
    """A client, as it sees itself."""

    IDLE = State("It does not want the lock.", initial=True)
    ASKING = State("It waits for an answer.")
    HOLDING = State("It uses the lock.")

    ask = Event("It sends a request.", (IDLE, ASKING))
    take = Event("The grant arrives.", (ASKING, HOLDING))
    stop = Event("Its lease ends, or it gives the lock back.", (HOLDING, IDLE))
    give_up = Event("No answer comes.", (ASKING, IDLE))


class Service(Record):
    """The clients, the server, and what is under way between them."""

    client: Array = per(CLIENTS, Client, "Each client.")
    left: Array = per(CLIENTS, number(TERM), "Ticks left of each client's lease.")
    request: Array = messages(CLIENTS, "Requests under way.", source=CLIENTS, target="server")
    grant: Array = messages(CLIENTS, "Grants under way.", source="server", target=CLIENTS)
    holder: int = scalar(ref(CLIENTS), "Who has the lock, as the server sees it.")
    until: int = scalar(number(TERM), "Ticks left of the lease that it granted.")
    losses: int = constant("How many messages may get lost.", LOSSES)
    term: int = constant("How long a lease lasts.", TERM)

    lost: int = scalar(number(LOSSES), "Messages lost so far.")


model = Model("lease", "A lock that clients hold for a while.", Service)


@model.action(client=CLIENTS)
def ask(s: Service, client: int) -> int:
    """A client asks for the lock; its lease counts from now on."""
    if s.client[client] != Client.IDLE or s.request[client] or s.grant[client]:
        return DISABLED
    fire(s.client, client, Client.ask)
    send(s.request, client)
    s.left[client] = s.term
    return 0


@model.action(client=CLIENTS, fair=Fairness.STRONG)
def handle(s: Service, client: int) -> int:
    """The server grants the lock to a client that asked, if nobody has it."""
    if s.holder != NONE or not receive(s.request, client):
        return DISABLED
    s.holder = client
    s.until = s.term
    send(s.grant, client)
    return 0


@model.action(client=CLIENTS, fair=Fairness.WEAK)
def learn(s: Service, client: int) -> int:
    """A grant arrives; a client that does not wait any more ignores it."""
    if not receive(s.grant, client):
        return DISABLED
    if s.client[client] == Client.ASKING:
        fire(s.client, client, Client.take)
    return 0


@model.action(fair=Fairness.WEAK)
def tick(s: Service) -> int:
    """Time passes: leases end, at the client not later than at the server."""
    if s.holder == NONE and not any(left > 0 for left in s.left):
        return DISABLED
    for client in range(len(s.client)):
        if s.left[client] > 0:
            s.left[client] -= 1
            if s.left[client] == 0:
                if s.client[client] == Client.ASKING:
                    fire(s.client, client, Client.give_up)
                else:
                    fire(s.client, client, Client.stop)
    if s.holder != NONE:
        s.until -= 1
        if s.until == 0:
            s.holder = NONE
    return 0


@model.action(client=CLIENTS, fault=True)
def lose(s: Service, client: int) -> int:
    """A request or a grant gets lost."""
    if s.lost == s.losses or not (receive(s.request, client) or receive(s.grant, client)):
        return DISABLED
    s.lost += 1
    return 0


@model.always("One at a time.")
def nobody_shares_the_lock(s: Service) -> bool:
    """At most one client uses the lock."""
    return sum(c == Client.HOLDING for c in s.client) <= 1


@model.sometimes("It is of use.", each={"client": CLIENTS})
def everybody_can_have_it(s: Service, client: int) -> bool:
    """Each client can have the lock."""
    return s.client[client] == Client.HOLDING


def is_idle(s: Service, client: int) -> bool:
    """Whether a client wants nothing."""
    return s.client[client] == Client.IDLE


@model.leads_to("Nothing hangs.", is_idle, each={"client": CLIENTS})
def everybody_ends(s: Service, client: int) -> bool:
    """Who asks or holds is done in the end, whatever gets lost."""
    return s.client[client] != Client.IDLE
