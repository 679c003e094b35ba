"""Both sides of one schema: what generated code can send, and what the other side accepts. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.constraints import Constraints
from ..schema.jsontext import JsonObject
from ..schema.text import quote
from .changes import Change, Level, describe_harmless, differing_keys, format_value
from .payloads import Condition, PayloadRules
from .reasons import Reason, canonical_keywords, constraints_reason, keywords_reason
from .subset import check_subset

_ANY = Condition()


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """The rules of two schemas with the same id; neither schema has a problem."""

    id: str
    ours: PayloadRules
    theirs: PayloadRules

    def changes(self) -> Iterator[Change]:
        """Yield every difference in properties and in limits of whole payloads."""
        for name in sorted({*self.ours.properties, *self.theirs.properties}):
            if name not in self.theirs.properties:
                yield self._undeclared(name)
            elif name not in self.ours.properties:
                yield self._new(name)
            else:
                yield from self._values(name)
                yield from self._presence(name)
        yield from self._counts()
        yield from self._dependencies()

    def _classify(self, message: str, condition: Condition, reason: Reason, *parts: str) -> Change:
        """Return the change of a rule that breaks payloads on a condition, if there are any."""
        witness = self.ours.smallest(condition)
        if witness is not None:
            return self._change("BREAKING", message, parts, reason, witness, condition)
        if not self.ours.is_possible(condition):
            message += "; generated code never sends such a payload"
            return self._change("COMPATIBLE", message, parts, reason)
        message += "; whether generated code can send such a payload is undecided"
        names = ", ".join(quote(name, 40) for name in self.ours.unsampled[:3])
        if names:
            message += (
                f", because no valid value of {names} was found; add an example to the schema"
            )
        return self._change("UNKNOWN", message, parts, reason, condition=condition)

    def _change(
        self,
        level: Level,
        message: str,
        parts: tuple[str, ...],
        reason: Reason,
        witness: JsonObject | None = None,
        condition: Condition = _ANY,
    ) -> Change:
        place = ("jsonSchema", *parts)
        having, without = condition.having, condition.without
        return Change(level, self.id, place, reason, message, witness, having, without)

    def _undeclared(self, name: str) -> Change:
        message = "the other side does not declare it, and silently drops it"
        new_name = self._new_name(name)
        if new_name is not None:
            message += f"; {quote(new_name)} may be its new name"
        return self._classify(message, Condition(having=name), ("undeclared",), "properties", name)

    def _new(self, name: str) -> Change:
        parts = ("properties", name)
        if name not in self.theirs.required:
            message = "is new on the other side, and optional"
            return self._change("COMPATIBLE", message, parts, ("new",))
        message = (
            "the other side requires it, but generated code cannot send it, so every interaction "
            "is ignored"
        )
        return self._classify(message, _ANY, ("required", "new"), *parts)

    def _values(self, name: str) -> Iterator[Change]:
        parts = ("properties", name)
        ours, theirs = self.ours.constraints[name], self.theirs.constraints[name]
        schema, other_schema = self.ours.properties[name], self.theirs.properties[name]
        reason = constraints_reason(ours, theirs)
        if not reason:
            if keys := differing_keys(schema, other_schema):
                reason = keywords_reason(schema, other_schema, keys)
                yield self._change("DOCS", describe_harmless(keys), parts, reason)
            return
        verdict = check_subset(ours, theirs, schema)
        if verdict.answer == "no":
            value = format_value(verdict.witness)
            message = f"the other side accepts less: {value} is not valid there"
            condition = Condition(having=name, value=(verdict.witness,))
            yield self._classify(message, condition, reason, *parts)
        elif verdict.answer == "undecided":
            message = (
                "the other side has other constraints, and whether they accept everything that "
                "generated code can send is undecided"
            )
            condition = Condition(having=name)
            yield self._change("UNKNOWN", message, parts, reason, condition=condition)
        else:
            message = (
                "the other side has other constraints, and accepts everything that generated code "
                "can send"
            )
            yield self._change("COMPATIBLE", message, parts, reason)

    def _presence(self, name: str) -> Iterator[Change]:
        is_ours, is_theirs = name in self.ours.required, name in self.theirs.required
        if is_theirs and not is_ours:
            message = (
                "the other side requires it, but generated code can omit it, and an interaction "
                "without it is ignored"
            )
            reason = ("required", "false", "true")
            yield self._classify(message, Condition(without=name), reason, "properties", name)
        elif is_ours and not is_theirs:
            message, reason = "is optional on the other side", ("required", "true", "false")
            yield self._change("COMPATIBLE", message, ("properties", name), reason)

    def _counts(self) -> Iterator[Change]:
        ours, theirs = self.ours.min_properties, self.theirs.min_properties
        reason = ("minProperties", str(ours), str(theirs))
        if theirs > ours:
            message = f"the other side requires at least {theirs} properties"
            condition = Condition(max_properties=theirs - 1)
            yield self._classify(message, condition, reason, "minProperties")
        elif theirs < ours:
            message = "the other side requires fewer properties"
            yield self._change("COMPATIBLE", message, ("minProperties",), reason)
        high, other_high = self.ours.max_properties, self.theirs.max_properties
        reason = ("maxProperties", _limit(high), _limit(other_high))
        if other_high is not None and (high is None or other_high < high):
            message = f"the other side allows at most {other_high} properties"
            condition = Condition(min_properties=other_high + 1)
            yield self._classify(message, condition, reason, "maxProperties")
        elif other_high != high:
            message = "the other side allows more properties"
            yield self._change("COMPATIBLE", message, ("maxProperties",), reason)

    def _dependencies(self) -> Iterator[Change]:
        for name in sorted({*self.ours.dependent, *self.theirs.dependent}):
            ours, theirs = (
                side.dependent.get(name, frozenset[str]()) for side in (self.ours, self.theirs)
            )
            parts, subject = ("dependentRequired", name), f"beside {quote(name)}, the other side"
            if theirs < ours:
                reason = ("dependentRequired", "removed", *sorted(ours - theirs))
                message = f"{subject} requires fewer properties"
                yield self._change("COMPATIBLE", message, parts, reason)
            for other in sorted(theirs - ours):
                reason = ("dependentRequired", "added", other)
                condition = Condition(having=name, without=other)
                yield self._classify(
                    f"{subject} requires {quote(other)}", condition, reason, *parts
                )

    def _new_name(self, name: str) -> str | None:
        """Return the property of the other side that may be this one under a new name.

        It has the same constraints, and is the only such property, or the only one with the same
        displayName.
        """
        constraints = self.ours.constraints[name]
        label = self.ours.properties[name].get("displayName")
        names = _similar(constraints, self.theirs, self.ours)
        labeled = [
            other
            for other in names
            if self.theirs.properties[other].get("displayName", "") == label
        ]
        if len(labeled) == 1:
            return labeled[0]
        is_only = len(names) == len(_similar(constraints, self.ours, self.theirs)) == 1
        return names[0] if is_only else None


def _limit(limit: int | None) -> str:
    return "" if limit is None else str(limit)


def _similar(constraints: Constraints, side: PayloadRules, other: PayloadRules) -> list[str]:
    """Return the properties that only one side has, and that have these constraints."""
    keywords = canonical_keywords(constraints)
    return sorted(
        name
        for name, item in side.constraints.items()
        if name not in other.constraints and canonical_keywords(item) == keywords
    )
