"""What the judging commands found, for all targets together: waived, then shown once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from ..config import Config
from ..findings import FORMATS, Finding, OutputFormat, shown_path
from ..schema import UNSAFE_IN_TEXT, escaped
from ..terminal import count, has_colour, say, short

if TYPE_CHECKING:
    from ..report import Verdicts
    from ..write import Plan

P = ParamSpec("P")
R = TypeVar("R")


def formatted(command: Callable[P, R]) -> Callable[P, R]:
    """The option of every command that shows findings."""
    return click.option(
        "--output-format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="Text for people, JSON for programs, SARIF for dashboards, GitHub's annotations.",
    )(command)


class Found:
    """Findings of one run. Waivers are those of the configuration, which all targets share."""

    def __init__(self, configs: Sequence[Config], form: OutputFormat) -> None:
        self.shown: list[Finding] = []
        self._config = configs[0]
        self._form: OutputFormat = form
        self._today = datetime.now(UTC).date()
        self._all: list[Finding] = []
        self._waived = 0

    def left(self, found: Sequence[Finding]) -> list[Finding]:
        """Those that no waiver accepts today."""
        self._all += found
        if not self._config.waivers:
            return list(found)
        from ..waivers import waived

        fingerprints = waived(self._config.waivers, self._today)
        left = [it for it in found if it.fingerprint not in fingerprints]
        self._waived += len(found) - len(left)
        return left

    def judge_waivers(self, judged: Sequence[str]) -> list[Finding]:
        """Show those that are expired or not needed; `judged` are the codes that were looked for,
        or how they begin."""
        if not self._config.waivers:
            return []
        from ..waivers import about

        file = shown_path(self._config.file) if self._config.file else ""
        found = about(self._config.waivers, self._all, judged, self._today, file)
        self.shown += found
        return found

    def stale(self, plan: "Plan", config: Config) -> None:
        """Show what `generate` would change."""
        if self._form == "text":
            from ..write import show

            for line in show(plan):
                click.echo(UNSAFE_IN_TEXT.sub(escaped, line))
        else:
            reason, fix = "is not what generate would make", "engage-codegen generate"
            self.shown += [
                Finding("EG401", "error", "", (), f"{change.path} {reason}", fix)
                for change in plan.changes
            ]
        say(
            f"stale: {count(len(plan.changes), 'file')} in {short(config.output)}\n"
            "  fix: engage-codegen generate"
        )

    def show(self, verdicts: "Verdicts | None" = None) -> None:
        """Print all of it."""
        if self._waived:
            say(f"{count(self._waived, 'finding')} waived")
        if not self.shown and self._form in ("text", "github"):
            return
        import sys

        from ..lint.verdicts import catalogue
        from ..report import report

        rules = [(code, title, about) for code, _, title, about in catalogue()]
        colour = has_colour(sys.stdout)
        text = report(self.shown, self._form, rules, colour=colour, verdicts=verdicts)
        click.echo(text, nl=False, color=colour)
