"""The build hook for hatchling: ``[tool.hatch.build.hooks.engage-codegen]``."""

from collections.abc import Sequence
from pathlib import Path

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl
from pathspec import GitIgnoreSpec

from ..errors import CodegenError, InputError
from .build import prepare_build


class EngageCodegenHook(BuildHookInterface[BuilderConfig]):
    """Checks or generates the packages before every build."""

    PLUGIN_NAME = "engage-codegen"

    def initialize(self, version: str, build_data: dict[str, list[str]]) -> None:
        """Include packages that are ignored by version control.

        Aborts the build if a package is stale, with the command that corrects it.
        """
        del version
        try:
            outputs = prepare_build(Path(self.root))
            build_data["artifacts"] += self._find_ignored(outputs)
        except CodegenError as error:
            self.app.abort(f"engage-codegen: {error}")

    def _find_ignored(self, outputs: Sequence[Path]) -> list[str]:
        """Return patterns for the packages that hatchling would leave out without a message."""
        if self.build_config.ignore_vcs:
            return []
        rules = GitIgnoreSpec.from_lines(self.build_config.load_vcs_exclusion_patterns())
        root = Path(self.root).resolve()
        ignored = [
            output.resolve().relative_to(root).as_posix()
            for output in outputs
            if output.resolve().is_relative_to(root)
        ]
        ignored = [path for path in ignored if rules.match_file(f"{path}/__init__.py")]
        if ignored and self.build_config.skip_excluded_dirs:
            raise InputError(
                "version control ignores the package, and skip-excluded-dirs keeps it out of the "
                "build",
                where=f"pyproject.toml, {', '.join(ignored)}",
                fix="remove skip-excluded-dirs from [tool.hatch.build], or do not ignore the "
                "package in .gitignore",
            )
        return [f"/{path}/" for path in ignored]


@hookimpl
def hatch_register_build_hook() -> type[EngageCodegenHook]:
    """Register the hook with hatchling."""
    return EngageCodegenHook
