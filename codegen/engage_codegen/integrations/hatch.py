"""The build hook for hatchling: ``[tool.hatch.build.hooks.engage-codegen]``."""

from pathlib import Path

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from ..errors import CodegenError
from .build import prepare_build


class EngageCodegenHook(BuildHookInterface[BuilderConfig]):
    """Checks or generates before every build."""

    PLUGIN_NAME = "engage-codegen"

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Abort the build if the package is stale, with the command that corrects it."""
        del version, build_data
        try:
            prepare_build(Path(self.root))
        except CodegenError as error:
            self.app.abort(f"engage-codegen: {error}")


@hookimpl
def hatch_register_build_hook() -> type[EngageCodegenHook]:
    """Register the hook with hatchling."""
    return EngageCodegenHook
