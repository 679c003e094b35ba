"""The page of the options: the value of each, and how well it is known."""

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.options.platform_file import PlatformFile, find_source
from engage_codegen.sandbox.state import SandboxState
from engage_codegen.sandbox.ui.query import Query, Values


def view_options(state: SandboxState, _query: Query) -> Values:
    """List the options with their values, sources and descriptions."""
    values = state.options.model_dump(by_alias=True, mode="json")
    rows = [
        {
            "name": name,
            "value": _write(values[name]),
            "source": _describe_source(name, values[name], state.platform),
            "description": (field.description or "").replace("`", ""),
        }
        for field in Options.model_fields.values()
        if (name := field.alias or "")
    ]
    return {"options": rows, "platform": state.platform}


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _describe_source(name: str, value: object, platform: PlatformFile) -> str:
    match find_source(name, value, platform):
        case "observed":
            return f"observed on {platform.date}"
        case "documented":
            return "documented"
        case "assumed":
            return "assumed"
        case "set":
            return "set for this sandbox"
