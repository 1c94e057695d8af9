"""Inner loops for ``leads to`` under symmetry; see :mod:`.quotient`.

The *product* has a node for each stored state and each of `m` choices of elements: node
``state * m + choice``. The steps of a state are those of its nodes, from ``first[state]`` to
``first[state + 1]``. The renaming of a step (its number is in `turns`) turns choice `k` into
``act[turns[step], k]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.compiler.backend.result_buffer import BASE
from slotspec.statemachine.interpreter.liveness import WEAK
from slotspec.statemachine.search.atomics import call_expand
from slotspec.statemachine.search.canonicalizer import canonical
from slotspec.statemachine.search.kernels import find, hash_of
from slotspec.statemachine.search.numba_cache import allocating, fast, inner, kernel_cache

_ZERO = np.uint64(0)

OUTSIDE, FULL = -1, -2
"""What :func:`follow` returns if a step leads out of the stored states, or there is no room."""


@njit(**inner)  # type: ignore[untyped-decorator]
def rank_of(best: Any, starts: Any) -> Any:
    """The number of a renaming: its Lehmer code, one sort after another."""
    found = _ZERO
    for b in range(len(starts) - 1):
        first, stop = starts[b], starts[b + 1]
        for e in range(first, stop):
            later = 0
            for j in range(e + 1, stop):
                later += best[j] < best[e]
            found = found * np.uint64(stop - e) + np.uint64(later)
    return found


@njit(**inner)  # type: ignore[untyped-decorator]
def number_of(
    words: Any,
    at: int,
    width: int,
    keys: Any,
    table: Any,
    entries: Any,
    region: int,
    gaps: Any,
) -> Any:
    """The gapless number of the stored state with this key; -1 if there is none."""
    number = find(hash_of(words, at, width), words, at, width, keys, table, entries)
    return number - gaps[number // region] if number >= 0 else number


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def follow(
        begin: int,
        stop: int,
        number: int,
        at: int,
        expand: int,
        buffer: Any,
        width: int,
        batch: int,
        keys: Any,
        table: int,
        entries: int,
        region: int,
        gaps: Any,
        out: Any,
        symmetry: Any,
        best: Any,
        first: Any,
        targets: Any,
        labels: Any,
        ranks: Any,
    ) -> int:
        """Write the steps of the canonical states from `begin` to `stop`; returns their total.

        :param number: gapless number of state `begin`.
        :param at: how many steps there are already.
        :param best: receives, from `symmetry`, the renaming that makes a state canonical.
        :return: or ``OUTSIDE``, or ``FULL``.
        """
        starts = symmetry[1]
        while begin < stop:
            n = min(batch, stop - begin)
            buffer[BASE] = begin
            rows = call_expand(
                np.uint64(expand),
                np.uint64(buffer.ctypes.data),
                np.uint64(keys.ctypes.data + begin * width * 8),
                n,
                1,
                np.uint64(out.words_at),
                np.uint64(out.source_at),
                np.uint64(out.call_at),
            )
            if at + rows > len(targets):
                return FULL
            for row in range(rows):
                canonical(out.words, row * width, width, out.keys, row * width, *symmetry)
                target = number_of(
                    out.keys,
                    row * width,
                    width,
                    keys,
                    np.uint64(table),
                    np.uint64(entries),
                    region,
                    gaps,
                )
                if target < 0:
                    return OUTSIDE
                targets[at + row] = target
                labels[at + row] = out.call[row]
                ranks[at + row] = rank_of(best, starts)
            row = 0
            for i in range(n):
                while row < rows and out.source[row] == i:
                    row += 1
                first[number + i + 1] = at + row
            at += rows
            number += n
            begin += n
        return at


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def reach(
        starts: Any,
        region: Any,
        m: int,
        first: Any,
        targets: Any,
        turns: Any,
        act: Any,
        queue: Any,
    ) -> None:
        """Mark with 2 the nodes of `region` (marked 1) that can be reached from `starts`."""
        top = 0
        for node in range(len(starts)):
            if starts[node] and region[node] == 1:
                region[node] = 2
                queue[top] = node
                top += 1
            while top > 0:
                top -= 1
                at = queue[top]
                k = at % m
                for step in range(first[at // m], first[at // m + 1]):
                    target = targets[step] * m + act[turns[step], k]
                    if region[target] == 1:
                        region[target] = 2
                        queue[top] = target
                        top += 1


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def components(
        inside: Any,
        m: int,
        first: Any,
        targets: Any,
        labels: Any,
        turns: Any,
        act: Any,
        faulty: Any,
        number: Any,
        low: Any,
        stack: Any,
        path: Any,
        cursor: Any,
        component: Any,
        cyclic: Any,
    ) -> int:
        """Number the strongly connected components of `inside` from 1; returns how many.

        This is the algorithm of R. E. Tarjan (1972), without recursion. Faults are no steps.

        :param number: zeros.
        :param cyclic: becomes 1 for each node of a component that has a step within itself.
        """
        counter = top = found = 0
        for root in range(len(inside)):
            if not inside[root] or number[root] != 0:
                continue
            counter += 1
            number[root] = low[root] = counter
            stack[0] = path[0] = root
            cursor[0] = first[root // m]
            top, depth = 1, 0
            while depth >= 0:
                node = path[depth]
                state, k = node // m, node % m
                step, end = cursor[depth], first[state + 1]
                entered = np.int64(-1)
                while step < end:
                    if not faulty[labels[step]]:
                        target = targets[step] * m + act[turns[step], k]
                        if inside[target]:
                            if number[target] == 0:
                                entered = target
                                break
                            if component[target] == 0 and number[target] < low[node]:
                                low[node] = number[target]
                            if target == node:
                                cyclic[node] = 1
                    step += 1
                if entered >= 0:
                    cursor[depth] = step + 1
                    depth += 1
                    counter += 1
                    number[entered] = low[entered] = counter
                    stack[top] = path[depth] = entered
                    cursor[depth] = first[entered // m]
                    top += 1
                    continue
                if low[node] == number[node]:
                    found += 1
                    several = stack[top - 1] != node
                    while True:
                        top -= 1
                        member = stack[top]
                        component[member] = found
                        if several:
                            cyclic[member] = 1
                        if member == node:
                            break
                depth -= 1
                if depth >= 0 and low[node] < low[path[depth]]:
                    low[path[depth]] = low[node]
        return found


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def single_out(
        component: Any, cyclic: Any, m: int, first: Any, labels: Any, fair: Any, dead: Any
    ) -> None:
        """Mark the components of one node without a step that no fair run can stay in."""
        for node in range(len(component)):
            if component[node] != 0 and not cyclic[node]:
                for step in range(first[node // m], first[node // m + 1]):
                    if fair[labels[step]]:
                        dead[component[node]] = 1


@njit(**inner)  # type: ignore[untyped-decorator]
def _root(up: Any, at: int) -> Any:
    while up[at] != at:
        up[at] = up[up[at]]
        at = up[at]
    return at


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def bind(
        component: Any,
        cyclic: Any,
        dead: Any,
        local: Any,
        m: int,
        first: Any,
        targets: Any,
        labels: Any,
        turns: Any,
        act: Any,
        faulty: Any,
        w: int,
        act_calls: Any,
        up: Any,
    ) -> None:
        """Put together what a call is called in the states of a component.

        Cell ``local[node] * w + a`` of `up` stands for call `a` of an orbit of `w` calls as seen
        from a node; cells that stand for the same call as seen from all of a component's states
        get the same root.
        """
        for cell in range(len(up)):
            up[cell] = cell
        for node in range(len(component)):
            mine = component[node]
            if mine == 0 or not cyclic[node] or dead[mine]:
                continue
            for step in range(first[node // m], first[node // m + 1]):
                if faulty[labels[step]]:
                    continue
                target = targets[step] * m + act[turns[step], node % m]
                if component[target] != mine:
                    continue
                for a in range(w):
                    here = _root(up, local[node] * w + a)
                    there = _root(up, local[target] * w + act_calls[turns[step], a])
                    if here != there:
                        up[max(here, there)] = min(here, there)


POSSIBLE, IMPOSSIBLE, TAKEN = 1, 2, 4
"""What happens to a call somewhere in a component."""


with kernel_cache():

    @njit(**allocating)  # type: ignore[untyped-decorator]
    def judge(
        component: Any,
        cyclic: Any,
        dead: Any,
        barred: Any,
        removed: Any,
        local: Any,
        m: int,
        first: Any,
        targets: Any,
        labels: Any,
        turns: Any,
        act: Any,
        w: int,
        of_orbit: Any,
        how: int,
        up: Any,
        flags: Any,
    ) -> None:
        """Mark the components in which the fairness of an orbit of calls cannot be kept.

        :param of_orbit: the number of each call in the orbit, -1 for others.
        :param dead: marks components that no fair run can stay in.
        :param barred: marks components that a fair run can stay in at most without the nodes
            that `removed` marks.
        :param flags: zeros, one for each cell of `up`.
        """
        here = np.zeros(w, dtype=np.uint8)
        for turn in range(2):
            for node in range(len(component)):
                mine = component[node]
                if mine == 0 or not cyclic[node] or dead[mine]:
                    continue
                here[:] = 0
                for step in range(first[node // m], first[node // m + 1]):
                    a = of_orbit[labels[step]]
                    if a < 0:
                        continue
                    here[a] = 1
                    if turn == 0:
                        target = targets[step] * m + act[turns[step], node % m]
                        if component[target] == mine:  # a fair call is never a fault
                            flags[_root(up, local[node] * w + a)] |= TAKEN
                for a in range(w):
                    root = _root(up, local[node] * w + a)
                    if turn == 0:
                        flags[root] |= POSSIBLE if here[a] else IMPOSSIBLE
                    elif how == WEAK:
                        if flags[root] == POSSIBLE:
                            dead[mine] = 1
                    elif here[a] and not flags[root] & TAKEN:
                        barred[mine] = 1
                        removed[node] = 1


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def onward(
        starts: Any,
        within: Any,
        goal: Any,
        m: int,
        first: Any,
        targets: Any,
        labels: Any,
        turns: Any,
        act: Any,
        avoided: Any,
        before: Any,
        by: Any,
        queue: Any,
    ) -> int:
        """The goal that the first possible of `starts` reaches inside `within`, or -1.

        For each node that was met, `by` becomes 1 for a start, and else 2 plus the number of the
        step that led to it, from the node `before`.

        :param avoided: the calls whose steps are not taken.
        """
        head = tail = 0
        for start in starts:
            if by[start] != 0:
                continue
            by[start] = 1
            queue[tail] = start
            tail += 1
            while head < tail:
                node = queue[head]
                head += 1
                if goal[node]:
                    return int(node)
                for step in range(first[node // m], first[node // m + 1]):
                    if avoided[labels[step]]:
                        continue
                    target = targets[step] * m + act[turns[step], node % m]
                    if within[target] and by[target] == 0:
                        by[target] = step + 2
                        before[target] = node
                        queue[tail] = target
                        tail += 1
        return -1
