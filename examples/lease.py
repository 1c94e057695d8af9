"""A lock that clients hold for a while, with messages that get lost (server: lease_server.py)."""

import slotspec as sl

CLIENTS = sl.Sort("clients", "Who wants the lock.", default=2)
TERM = sl.Bound("term", "Ticks that a lease lasts.", default=2, minimum=1, maximum=9)


class Client(sl.Lifecycle):
    """A client, as it sees itself."""

    IDLE = sl.State("It does not use the lock.", initial=True)
    HOLDING = sl.State("It uses the lock.")
    take = sl.Event("The grant arrives in time.", (IDLE, HOLDING))
    stop = sl.Event("Its lease ends.", (HOLDING, IDLE))


class Service(sl.Record):
    """A lease counts from the request at its client, and from the grant, later, at the server."""

    client: sl.Array = sl.per(CLIENTS, Client, "Each client.")
    lease: sl.Array = sl.per(CLIENTS, sl.number(TERM), "Ticks left, as each client counts.")
    granted: sl.Array = sl.per(CLIENTS, sl.number(TERM), "Ticks left, as the server counts.")
    request: sl.Array = sl.messages(CLIENTS, "Requests under way.", source=CLIENTS, target="server")
    grant: sl.Array = sl.messages(CLIENTS, "Grants under way.", source="server", target=CLIENTS)
    term: int = sl.constant("How long a lease lasts.", TERM)


model = sl.Model("lease", "A lock that clients hold for a while.", Service)


def may_ask(s: Service, client: int) -> bool:
    """Whether nothing keeps a client from asking."""
    return s.lease[client] == 0 and not s.request[client] and not s.grant[client]


@model.action(client=CLIENTS)
def ask(s: Service, client: int) -> int:
    """A client asks for the lock; its lease counts from now on."""
    if not may_ask(s, client):
        return sl.DISABLED
    s.lease[client] = s.term
    sl.send(s.request, client)
    return client


@model.action(client=CLIENTS, fair=sl.Fairness.STRONG)
def handle(s: Service, client: int) -> int:
    """The server grants the lock to a client that asked, if nobody has it."""
    if any(left > 0 for left in s.granted) or not sl.receive(s.request, client):
        return sl.DISABLED
    s.granted[client] = s.term
    sl.send(s.grant, client)
    return client


@model.action(client=CLIENTS, fair=sl.Fairness.WEAK)
def learn(s: Service, client: int) -> int:
    """A grant arrives; a client whose lease has ended ignores it."""
    if not sl.receive(s.grant, client):
        return sl.DISABLED
    if s.lease[client] > 0:
        sl.fire(s.client, client, Client.take)
    return client


@model.action(fair=sl.Fairness.WEAK)
def tick(s: Service) -> int:
    """Time passes, at the server and at its clients alike."""
    for client in s.elements(CLIENTS):
        s.granted[client] = max(0, s.granted[client] - 1)
        s.lease[client] = max(0, s.lease[client] - 1)
        if s.client[client] == Client.HOLDING and s.lease[client] == 0:
            sl.fire(s.client, client, Client.stop)
    return 0


@model.action(client=CLIENTS, fault=True)
def lose(s: Service, client: int) -> int:
    """A request or a grant gets lost."""
    return client if sl.receive(s.request, client) or sl.receive(s.grant, client) else sl.DISABLED


@model.always("One at a time.")
def nobody_shares_the_lock(s: Service) -> bool:
    """At most one client uses the lock."""
    return sum(client == Client.HOLDING for client in s.client) <= 1


@model.sometimes("It is of use.", each={"client": CLIENTS})
def everybody_can_have_it(s: Service, client: int) -> bool:
    """Each client can have the lock."""
    return s.client[client] == Client.HOLDING


@model.leads_to("Nothing hangs.", may_ask, each={"client": CLIENTS})
def everybody_may_ask_again(s: Service, client: int) -> bool:
    """Who asked may ask again in the end, whatever gets lost."""
    return s.lease[client] > 0
