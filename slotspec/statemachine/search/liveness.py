"""Inner loops for ``leads to``: the steps between stored states, and components of them.

States are numbered from 0 without gaps. The steps of state ``i`` are in `targets` and `labels`
(the call of each) from ``first[i]`` to ``first[i + 1]``. These kernels compute the same as
:class:`slotspec.statemachine.interpreter.graph.InterpretedGraph`, but on arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.compiler.backend.result_buffer import BASE
from slotspec.statemachine.interpreter.liveness import STRONG, WEAK
from slotspec.statemachine.search.atomics import call_expand, prefetch, read
from slotspec.statemachine.search.kernels import CHUNK, find, hash_of, home_of
from slotspec.statemachine.search.numba_cache import fast, inner, kernel_cache

_S31, _S32 = np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ZERO, _ONE, _EIGHT = np.uint64(0), np.uint64(1), np.uint64(8)
_DONE, OUT = np.uint32(2**32 - 1), np.uint32(2**32 - 2)

TAKEN, MISSED = 1, 2


@njit(**inner)  # type: ignore[untyped-decorator]
def _look_up(
    rows: int,
    width: int,
    keys: Any,
    keys_at: Any,
    table: Any,
    entries: Any,
    region: int,
    gaps: Any,
    out_words: Any,
    hashes: Any,
    recent: Any,
    known: Any,
    targets: Any,
    at: int,
) -> bool:
    """Write the numbers of a batch's successors from ``targets[at]`` on; False if one has none."""
    row_bytes = np.uint64(8 * width)
    mask = np.uint64(len(known) - 1)
    for begin in range(0, rows, CHUNK):
        end = min(rows, begin + CHUNK)
        for i in range(begin, end):
            h = hash_of(out_words, i * width, width)
            hashes[i - begin] = h
            prefetch(table + home_of(h, entries) * _EIGHT)
        for i in range(begin, end):
            h = hashes[i - begin]
            entry = read(table + home_of(h, entries) * _EIGHT)
            if entry >> _S32 == h & _LOW and entry != _ZERO:
                prefetch(keys_at + ((entry & _LOW) - _ONE) * row_bytes)
        for i in range(begin, end):
            h, base = hashes[i - begin], i * width
            cell = np.int64((h >> _S31) & mask)
            same = known[cell] != 0
            for w in range(width):
                same &= recent[cell * width + w] == out_words[base + w]
            if same:
                targets[at + i] = known[cell] - 1
                continue
            number = find(h, out_words, base, width, keys, table, entries)
            if number < 0:
                return False
            number -= gaps[number // region]
            targets[at + i] = number
            known[cell] = number + 1
            for w in range(width):
                recent[cell * width + w] = out_words[base + w]
    return True


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def follow(
        begin: int,
        stop: int,
        number: int,
        at: int,
        expand: int,
        buffer: Any,
        book_at: int,
        width: int,
        batch: int,
        states_at: int,
        keys: Any,
        table: int,
        entries: int,
        region: int,
        gaps: Any,
        out_words: Any,
        out_words_at: int,
        out_source: Any,
        out_source_at: int,
        out_call: Any,
        out_call_at: int,
        hashes: Any,
        recent: Any,
        known: Any,
        first: Any,
        targets: Any,
        labels: Any,
    ) -> int:
        """Write the steps of the stored states from `begin` to `stop`; returns their new total.

        :param number: gapless number of state `begin`.
        :param at: how many steps there are already.
        :return: -1 if a successor is not among the stored states.
        """
        while begin < stop:
            n = min(batch, stop - begin)
            buffer[BASE] = begin
            rows = call_expand(
                np.uint64(expand),
                np.uint64(book_at),
                np.uint64(states_at + begin * width * 8),
                n,
                1,
                np.uint64(out_words_at),
                np.uint64(out_source_at),
                np.uint64(out_call_at),
            )
            if not _look_up(
                rows,
                width,
                keys,
                np.uint64(states_at),
                np.uint64(table),
                np.uint64(entries),
                region,
                gaps,
                out_words,
                hashes,
                recent,
                known,
                targets,
                at,
            ):
                return -1
            row = 0
            for i in range(n):
                while row < rows and out_source[row] == i:
                    labels[at + row] = out_call[row]
                    row += 1
                first[number + i + 1] = at + row
            at += rows
            number += n
            begin += n
        return at


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def reach(starts: Any, region: Any, first: Any, targets: Any, queue: Any) -> None:
        """Mark with 2 the states of `region` (marked 1) that can be reached from `starts`."""
        top = 0
        for state in range(len(starts)):
            if starts[state] and region[state] == 1:
                region[state] = 2
                queue[top] = state
                top += 1
            while top > 0:
                top -= 1
                at = queue[top]
                for step in range(first[at], first[at + 1]):
                    target = targets[step]
                    if region[target] == 1:
                        region[target] = 2
                        queue[top] = target
                        top += 1


@njit(**inner)  # type: ignore[untyped-decorator]
def _judge(
    begin: int,
    end: int,
    mark: Any,
    first: Any,
    targets: Any,
    labels: Any,
    fair: Any,
    low: Any,
    number: Any,
    stack: Any,
    again: Any,
    marks: Any,
    where: Any,
    met: Any,
    touched: Any,
) -> Any:
    """Decide the component on the stack: 1 if a fair run can stay in it, else 0.

    States that remain undecided are marked in `again`.
    """
    count = 0
    rep = low[stack[begin]]
    for i in range(begin, end):
        state = stack[i]
        for step in range(first[state], first[state + 1]):
            call = labels[step]
            if fair[call]:
                if where[call] == 0:
                    touched[count] = call
                    count += 1
                where[call] += 1
                if met[call] != TAKEN:
                    target = targets[step]
                    # a fair call is never a fault, so its steps within the component count
                    if number[target] == _DONE and low[target] == rep:
                        met[call] = TAKEN
    dead, barred = False, False
    for i in range(count):
        call = touched[i]
        if met[call] != TAKEN:
            if fair[call] == STRONG:
                barred = True
                met[call] = MISSED
            elif where[call] == end - begin:
                dead = True
    if not dead:
        for i in range(begin, end):
            state = stack[i]
            if not barred:
                marks[state] = mark
                continue
            kept = True
            for step in range(first[state], first[state + 1]):
                kept &= met[labels[step]] != MISSED
            if kept:
                again[state] = 1
    for i in range(count):
        where[touched[i]] = 0
        met[touched[i]] = 0
    return 0 if dead or barred else 1


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def components(
        found: int,
        first: Any,
        targets: Any,
        labels: Any,
        fair: Any,
        faulty: Any,
        number: Any,
        low: Any,
        stack: Any,
        path: Any,
        cursor: Any,
        again: Any,
        marks: Any,
        where: Any,
        met: Any,
        touched: Any,
    ) -> int:
        """Mark the components that a fair run can stay in; returns how many there are.

        This is the algorithm of R. E. Tarjan (1972), without recursion. On entry, `number` is 0
        for the states to search and `OUT` for all others. On return, `again` marks the states
        that need another pass.

        :param found: how many components were found before.
        """
        counter = np.uint32(0)
        top = 0
        for root in range(len(number)):
            if number[root] != 0:
                continue
            depth = 0
            counter += np.uint32(1)
            number[root] = low[root] = counter
            stack[top] = path[0] = root
            cursor[0] = first[root]
            top += 1
            while depth >= 0:
                state = path[depth]
                step, end = cursor[depth], first[state + 1]
                least = low[state]
                entered = False
                while step < end:
                    target = targets[step]
                    seen = number[target]
                    if seen < least and not faulty[labels[step]]:
                        if seen == 0:
                            entered = True
                            break
                        least = seen
                    step += 1
                low[state] = least
                if entered:
                    cursor[depth] = step + 1
                    depth += 1
                    counter += np.uint32(1)
                    number[target] = low[target] = counter
                    stack[top] = path[depth] = target
                    cursor[depth] = first[target]
                    top += 1
                    continue
                if least == number[state]:
                    begin = top
                    while True:
                        begin -= 1
                        member = stack[begin]
                        number[member] = _DONE
                        low[member] = least
                        if member == state:
                            break
                    found += _judge(
                        begin,
                        top,
                        found + 1,
                        first,
                        targets,
                        labels,
                        fair,
                        low,
                        number,
                        stack,
                        again,
                        marks,
                        where,
                        met,
                        touched,
                    )
                    top = begin
                depth -= 1
                if depth >= 0 and least < low[path[depth]]:
                    low[path[depth]] = least
        return found


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def depths(parents: Any, depth: Any, path: Any) -> None:
        """The distance of each state from the initial one, given each state's predecessor."""
        for state in range(len(parents)):
            at, length = state, 0
            while at != 0 and depth[at] == 0:
                path[length] = at
                length += 1
                at = parents[at]
            far = depth[at]
            while length > 0:
                length -= 1
                far += 1
                depth[path[length]] = far


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def onward(
        starts: Any, within: Any, marks: Any, first: Any, targets: Any, via: Any, queue: Any
    ) -> int:
        """The marked state that the first possible of `starts` reaches inside `within`, or -1.

        ``via[state]`` becomes 1 for a start, and 2 plus the number of the step that led to it
        for any other state.
        """
        head = tail = 0
        for start in starts:
            if via[start] != 0:
                continue
            via[start] = 1
            queue[tail] = start
            tail += 1
            while head < tail:
                state = queue[head]
                head += 1
                if marks[state] != 0:
                    return int(state)
                for step in range(first[state], first[state + 1]):
                    target = targets[step]
                    if within[target] and via[target] == 0:
                        via[target] = step + 2
                        queue[tail] = target
                        tail += 1
        return -1


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def nearest(
        start: int,
        to: int,
        marks: Any,
        wanted: Any,
        weak: int,
        going: bool,
        faulty: Any,
        first: Any,
        targets: Any,
        labels: Any,
        via: Any,
        queue: Any,
    ) -> Any:
        """Inside a component: find the state `to`, or (if -1) the nearest that meets a demand.

        A state meets a demand if fewer than `weak` of the calls that `wanted` lists as weakly
        fair are possible there, or (if `going`) if a step of any call in `wanted` leads there.

        :return: the state (-1 if there is none), the step to take from there (-1 for none), and
            how many states of `queue` have their `via` set.
        """
        mark = marks[start]
        via[start] = 1
        queue[0] = start
        head, tail = 0, 1
        while head < tail:
            state = queue[head]
            head += 1
            if state == to:
                return int(state), -1, tail
            here, taken = 0, -1
            for step in range(first[state], first[state + 1]):
                call, target = labels[step], targets[step]
                if wanted[call] == WEAK:
                    here += 1
                if marks[target] == mark and not faulty[call]:
                    if going and wanted[call] != 0 and taken < 0:
                        taken = step
                    if via[target] == 0:
                        via[target] = step + 2
                        queue[tail] = target
                        tail += 1
            if to < 0 and (here < weak or taken >= 0):
                return int(state), -1 if here < weak else int(taken), tail
        return -1, -1, tail
