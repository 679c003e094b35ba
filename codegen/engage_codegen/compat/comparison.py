"""The two sides of one schema: what differs in what can be sent, and in what is accepted. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.constraints import Scalar
from ..schema.jsontext import JsonObject
from ..schema.text import quote
from .changes import Change, Level, cut, differ, differing
from .payloads import Form, Wanted
from .subset import is_same, subset

_ANY = Wanted()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two schemas of the dialect with the same id."""

    id: str
    ours: Form
    theirs: Form

    def changes(self) -> Iterator[Change]:
        """All that differs but texts about the whole."""
        for name in sorted({*self.ours.properties, *self.theirs.properties}):
            if name not in self.theirs.properties:
                what = f"is not declared there: it is dropped without an error{self._renamed(name)}"
                yield self._judged(what, Wanted(having=name), "properties", name)
            elif name not in self.ours.properties:
                yield self._new(name)
            else:
                yield from self._values(name)
                yield from self._presence(name)
        yield from self._counts()
        yield from self._dependencies()

    def _judged(self, what: str, wanted: Wanted, *parts: str) -> Change:
        """A rule that breaks what our code sends, if it can send a payload like that."""
        witness = self.ours.smallest(wanted)
        if witness is not None:
            return self._change("BREAKING", what, parts, witness, wanted)
        if not self.ours.is_possible(wanted):
            return self._change("COMPATIBLE", f"{what}; our code never sends such a payload", parts)
        names = ", ".join(quote(name, 40) for name in self.ours.unsampled[:3])
        of = f": no value of {names} was found, an example would help" if names else ""
        what += f"; whether our code can send a payload that breaks there is open{of}"
        return self._change("UNKNOWN", what, parts, wanted=wanted)

    def _change(
        self,
        level: Level,
        what: str,
        parts: tuple[str, ...],
        witness: JsonObject | None = None,
        wanted: Wanted = _ANY,
    ) -> Change:
        place = ("jsonSchema", *parts)
        return Change(level, self.id, place, what, witness, wanted.having, wanted.without)

    def _new(self, name: str) -> Change:
        if name not in self.theirs.required:
            return self._change("COMPATIBLE", "is new there, and optional", ("properties", name))
        what = "is required there, and our code cannot send it: every interaction is ignored"
        return self._judged(what, Wanted(), "properties", name)

    def _values(self, name: str) -> Iterator[Change]:
        parts = ("properties", name)
        one, other = self.ours.properties[name], self.theirs.properties[name]
        verdict = subset(self.ours.scalars[name], self.theirs.scalars[name], one)
        if verdict.answer == "no":
            what = f"accepts less there: {cut(verdict.witness)} is not valid"
            yield self._judged(what, Wanted(having=name, value=(verdict.witness,)), *parts)
        elif verdict.answer == "open":
            what = "has other rules there; whether all that our code can send keeps them is open"
            yield self._change("UNKNOWN", what, parts, wanted=Wanted(having=name))
        elif verdict.answer == "yes":
            yield self._change("COMPATIBLE", "accepts there all that our code can send", parts)
        elif names := differing(one, other):
            yield self._change("DOCS", differ(names), parts)

    def _presence(self, name: str) -> Iterator[Change]:
        is_ours, is_theirs = name in self.ours.required, name in self.theirs.required
        if is_theirs and not is_ours:
            what = "is required there, optional in our code: an interaction without it is ignored"
            yield self._judged(what, Wanted(without=name), "properties", name)
        elif is_ours and not is_theirs:
            yield self._change("COMPATIBLE", "is optional there", ("properties", name))

    def _counts(self) -> Iterator[Change]:
        ours, theirs = self.ours, self.theirs
        if theirs.least > ours.least:
            what = f"has to have at least {theirs.least} properties there"
            yield self._judged(what, Wanted(most=theirs.least - 1), "minProperties")
        elif theirs.least < ours.least:
            yield self._change("COMPATIBLE", "fewer properties are enough there", _LEAST)
        if theirs.most is not None and (ours.most is None or theirs.most < ours.most):
            what = f"can have at most {theirs.most} properties there"
            yield self._judged(what, Wanted(least=theirs.most + 1), "maxProperties")
        elif theirs.most != ours.most:
            yield self._change("COMPATIBLE", "more properties are allowed there", _MOST)

    def _dependencies(self) -> Iterator[Change]:
        for name in sorted({*self.ours.dependent, *self.theirs.dependent}):
            ours, theirs = (it.dependent.get(name, frozenset()) for it in (self.ours, self.theirs))
            parts = ("dependentRequired", name)
            if theirs < ours:
                yield self._change("COMPATIBLE", "needs less beside it there", parts)
            for other in sorted(theirs - ours):
                what = f"needs {quote(other)} beside it there"
                yield self._judged(what, Wanted(having=name, without=other), *parts)

    def _renamed(self, name: str) -> str:
        """The property there that may be this one: of the same rules, and the only one, or the only
        one of the same name for people."""
        scalar, label = self.ours.scalars[name], self.ours.properties[name].get("displayName")
        new = _alike(scalar, self.theirs, self.ours)
        named = [it for it in new if label == self.theirs.properties[it].get("displayName", "")]
        if len(named) != 1 and not len(new) == len(_alike(scalar, self.ours, self.theirs)) == 1:
            return ""
        return f"; {quote((named or new)[0])} may be its new name"


_LEAST, _MOST = ("minProperties",), ("maxProperties",)


def _alike(scalar: Scalar, here: Form, there: Form) -> list[str]:
    """The properties with the same rules that one side alone has."""
    return sorted(
        name
        for name, other in here.scalars.items()
        if name not in there.scalars and is_same(scalar, other)
    )
