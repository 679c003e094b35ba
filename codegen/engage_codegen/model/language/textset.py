"""`TextSet`: the texts that patterns and lengths allow. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextSet:
    """The texts of some lengths in which the searches for all patterns succeed."""

    patterns: tuple[str, ...] = ()
    shortest: int = 0
    longest: int | None = None

    def limit(self, shortest: int = 0, longest: int | None = None) -> "TextSet":
        """Return the texts that also have these lengths."""
        limits = [limit for limit in (longest, self.longest) if limit is not None]
        return TextSet(self.patterns, max(shortest, self.shortest), min(limits, default=None))

    def intersect(self, other: "TextSet") -> "TextSet":
        """Return the texts of both sets."""
        patterns = tuple(dict.fromkeys((*self.patterns, *other.patterns)))
        return TextSet(patterns).limit(self.shortest, self.longest).limit(*other.lengths)

    @property
    def lacks_lengths(self) -> bool:
        """True if no text can have one of the lengths."""
        return self.longest is not None and self.shortest > self.longest

    @property
    def lengths(self) -> tuple[int, int | None]:
        return self.shortest, self.longest
