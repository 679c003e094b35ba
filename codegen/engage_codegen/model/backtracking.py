"""Patterns on which a backtracking engine takes exponential or high polynomial time. Pure.

Python's `re` tries every way in which a pattern can match a text before it gives up. The ways are
the runs of an automaton, so they can be counted without trying them. A pattern may be refused
wrongly if an assertion like `\\b` excludes the slow texts.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from itertools import cycle as repeat_forever

from ..schema.text import quote
from .automaton import TOO_COMPLEX, Automaton, Position, Ways, add_ways, build_automata
from .language.alphabet import reading_order
from .language.syntax import TOKEN

_TEXT_LENGTH = 500
_MOST_STEPS = 10**8
"""The steps that a search in a text of that length may take. A cubic pattern takes fewer."""

_MOST_PAIRS = 200_000
_MOST_TEXTS = 200
_MOST_EFFORT = 3_000_000


def refuse_slow(pattern: str) -> None:
    """Raise `ValueError` for a pattern that can take too long, with a predicate as its message.

    `pattern` is in the syntax that `translate` returns.
    """
    automaton, *bodies = build_automata(pattern)
    is_anchored = pattern.startswith("^") and "|" not in _top_level(pattern)
    for part, has_one_start in ((automaton, is_anchored), *((body, True) for body in bodies)):
        text = _find_slow_text(part, has_one_start)
        if text is not None:
            raise ValueError(
                "can take exponential or high polynomial time, for example in a text that repeats "
                f"{quote(text, 20)}"
            )


def _top_level(pattern: str) -> str:
    """Return the tokens of a pattern outside of its groups, without the atoms."""
    depth, parts = 0, list[str]()
    for token in TOKEN.finditer(pattern):
        depth += token.lastgroup in ("look", "open")
        if not depth and token.lastgroup != "atom":
            parts.append(token.group())
        depth -= token.lastgroup == "close"
    return "".join(parts)


def _find_slow_text(automaton: Automaton, is_anchored: bool) -> str | None:
    """Return a text of which repetitions take too long, or None."""
    loops = _find_loops(automaton)
    for component in loops:
        text = _find_ambiguous_cycle(automaton, component)
        if text is not None:
            return text
    effort = 0
    for prefix, cycle in _list_texts(automaton, loops):
        steps, edge_count = _count_steps(automaton, prefix, cycle, is_anchored)
        if steps > _MOST_STEPS:
            return cycle
        effort += edge_count
        if effort > _MOST_EFFORT:
            raise ValueError(TOO_COMPLEX)
    return None


def _find_loops(automaton: Automaton) -> list[set[Position]]:
    """Return the strongly connected components that have an edge."""
    reaches = _components(range(len(automaton.edges)), lambda position: automaton.edges[position])
    return [
        component
        for component in reaches
        if len(component) > 1 or any(p in automaton.edges[p] for p in component)
    ]


def _components(nodes: Iterable[int], successors: Callable[[int], Iterable[int]]) -> list[set[int]]:
    """Return the strongly connected components of a graph, by Tarjan's algorithm."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    components: list[set[int]] = []
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(successors(root)))]
        while work:
            node, rest = work[-1]
            for successor in rest:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(successors(successor))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: set[int] = set()
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    components.append(component)
    return components


def _find_ambiguous_cycle(automaton: Automaton, component: set[Position]) -> str | None:
    """Return a text that leads from a position back to it in two ways, or None.

    Then n repetitions of the text can be read in 2 to the power of n ways.
    """
    size, edges, characters = len(automaton.edges), automaton.edges, automaton.characters
    pair_count = 0

    def successors(pair: int) -> list[int]:
        nonlocal pair_count
        left, right = divmod(pair, size)
        following = [
            a * size + b
            for a in edges[left]
            if a in component
            for b in edges[right]
            if b in component and not characters[a].isdisjoint(characters[b])
        ]
        pair_count += len(following)
        if pair_count > _MOST_PAIRS:
            raise ValueError(TOO_COMPLEX)
        return following

    for position in sorted(component):
        for following, ways in edges[position].items():
            if ways > 1 and following in component and characters[following]:
                back = _shortest_path(automaton, following, position) or ""
                return _pick(characters[following]) + back
    diagonal = [position * size + position for position in sorted(component)]
    for pairs in _components(diagonal, successors):
        start = next((pair for pair in sorted(pairs) if pair // size == pair % size), None)
        other = next((pair for pair in sorted(pairs) if pair // size != pair % size), None)
        if start is not None and other is not None:
            position = start // size
            return _shortest_path(automaton, position, position)
    return None


def _pick(characters: frozenset[str]) -> str:
    return min(characters, key=reading_order) if characters else ""


def _shortest_path(automaton: Automaton, start: Position, end: Position) -> str | None:
    """Return the shortest text that leads from one position to another, or None."""
    return _walk(automaton, {start: ""}, end)


def _walk(automaton: Automaton, texts: dict[Position, str], end: Position) -> str | None:
    queue, visited = deque(texts.items()), set[Position]()
    while queue:
        position, text = queue.popleft()
        for following in automaton.edges[position]:
            if following in visited or not automaton.characters[following]:
                continue
            visited.add(following)
            longer = text + _pick(automaton.characters[following])
            if following == end:
                return longer
            queue.append((following, longer))
    return None


def _list_texts(automaton: Automaton, loops: Iterable[set[Position]]) -> Iterator[tuple[str, str]]:
    """Yield texts that may be slow if the second one is repeated after the first one."""
    used = {p for p in range(len(automaton.characters)) if automaton.characters[p]}
    classes: dict[frozenset[Position], str] = {}
    for char in sorted(frozenset[str]().union(*automaton.characters), key=reading_order):
        classes.setdefault(frozenset(p for p in used if char in automaton.characters[p]), char)
    texts = {("", char): None for char in classes.values()}
    starts = {p: _pick(automaton.characters[p]) for p in automaton.start.first}
    for component in loops:
        for position in sorted(component):
            prefix = starts.get(position) or _walk(automaton, starts, position)
            if prefix is None:
                continue
            cycle = _shortest_path(automaton, position, position)
            texts |= {(prefix, cycle): None} if cycle else {}
            if position in automaton.edges[position]:
                shared = (c for c in classes.values() if c in automaton.characters[position])
                texts |= {(prefix, char): None for char in shared}
    yield from list(texts)[:_MOST_TEXTS]


def _count_steps(
    automaton: Automaton, prefix: str, cycle: str, is_anchored: bool
) -> tuple[int, int]:
    """Return how many steps a search takes in a text, or more than `_MOST_STEPS`.

    Also returns how many edges it took to count them. The text has `_TEXT_LENGTH` characters,
    repetitions of a cycle after a prefix, and no match.
    """
    runs: Ways = {}
    steps = edge_count = 0
    for index, char in enumerate(islice(chain(prefix, repeat_forever(cycle)), _TEXT_LENGTH)):
        following: Ways = {}
        if not is_anchored or not index:
            add_ways(following, automaton.start.first)
        for position, count in runs.items():
            add_ways(following, automaton.edges[position], count)
        runs = {p: n for p, n in following.items() if char in automaton.characters[p]}
        steps += sum(runs.values())
        edge_count += len(following)
        if steps > _MOST_STEPS or not (runs or not is_anchored):
            break
    return steps, edge_count
