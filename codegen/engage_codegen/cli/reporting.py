"""What the judging commands found, for all targets together: waived, then shown once."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from ..config import Config
from ..findings.finding import FORMATS, Finding, OutputFormat, Place, shown_path
from ..schema.text import escape
from .console import count, has_colour, say, short

if TYPE_CHECKING:
    from ..findings.report import Verdicts
    from ..output.plan import Plan

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
        self._looked = Counter[str]()
        self._targets = len(configs)
        self.waived = 0

    def left(self, found: Sequence[Finding], looked_for: Sequence[str] = ()) -> list[Finding]:
        """Those that no waiver accepts today. `looked_for` are the codes, or how they begin, of
        which these are all findings of a target."""
        self._all += found
        self._looked.update(looked_for)
        if not self._config.waivers:
            return list(found)
        from ..findings.waivers import waived

        fingerprints = waived(self._config.waivers, self._today)
        left = [it for it in found if it.fingerprint not in fingerprints]
        self.waived += len(found) - len(left)
        return left

    def judge_waivers(self) -> list[Finding]:
        """Show those that are expired, and those not needed: of what all targets were asked for."""
        if not self._config.waivers:
            return []
        from ..findings.waivers import about

        judged = [code for code, count in self._looked.items() if count == self._targets]
        file = shown_path(self._config.file) if self._config.file else ""
        found = about(self._config.waivers, self._all, judged, self._today, file)
        self.shown += found
        return found

    def stale(self, plan: "Plan", config: Config) -> None:
        """Show what `generate` would change."""
        if self._form == "text":
            from ..output.plan import show

            for line in show(plan):
                click.echo(escape(line))
        else:
            reason, fix = "is not what generate would make", "engage-codegen generate"
            for change in plan.changes:
                place = Place(shown_path(config.output / change.path), "", 1, 1)
                message = f"{change.path} {reason}"
                self.shown.append(
                    Finding("EG401", "error", "", (), message, fix, place, config.name)
                )
        say(
            f"stale: {count(len(plan.changes), 'file')} in {short(config.output)}\n"
            "  fix: engage-codegen generate"
        )

    def show(self, verdicts: "Verdicts | None" = None) -> None:
        """Print all of it."""
        if self.waived:
            say(f"{count(self.waived, 'finding')} waived")
        if not self.shown and self._form in ("text", "github"):
            return
        import sys

        from ..findings.report import report
        from ..lint.verdicts import catalogue

        rules = [(code, title, about) for code, _, title, about in catalogue()]
        colour = has_colour(sys.stdout)
        text = report(self.shown, self._form, rules, colour=colour, verdicts=verdicts)
        click.echo(text, nl=False, color=colour)
