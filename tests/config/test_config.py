"""The configuration: which file counts, what overrides what, and which values are refused."""

import re
from pathlib import Path

import pytest

from engage_codegen.config import KEYS, Config, load
from engage_codegen.config.tenant import UrlOrigin
from engage_codegen.errors import ConfigError, Location


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _load(folder: Path, environ: dict[str, str] | None = None, **flags: object) -> Config:
    keys = {name.replace("_", "-"): value for name, value in flags.items()}
    (config,) = load(file=None, environ=environ or {}, flags=keys, folder=folder)
    return config


def test_every_key_has_a_default(tmp_path: Path) -> None:
    config = _load(tmp_path)
    assert config == Config(output=tmp_path / "engage_interactions")
    assert config.api_version == "v3"


def test_the_nearest_file_with_the_section_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.engage-codegen]\noutput = "far"\n')
    near = _write(tmp_path / "a/pyproject.toml", '[tool.engage-codegen]\noutput = "src/near"\n')
    _write(tmp_path / "a/b/pyproject.toml", "[tool.other]\nname = 'engage-codegen'\n")
    config = _load(tmp_path / "a/b")
    assert config.file == near
    assert config.output == tmp_path / "a/src/near"


def test_variables_override_the_file_and_flags_override_both(tmp_path: Path) -> None:
    _write(
        tmp_path / "pyproject.toml",
        '[tool.engage-codegen]\nbase-url = "https://file.example/"\nuser-agent = "File/1"\n'
        'api-version = "v2"\n',
    )
    environ = {"ENGAGE_BASE_URL": "https://env.example", "ENGAGE_USER_AGENT": "Env/1"}
    assert _load(tmp_path).base_url == "https://file.example"
    assert _load(tmp_path, environ).base_url == "https://env.example"
    config = _load(tmp_path, environ, base_url="https://flag.example")
    assert (config.base_url, config.user_agent) == ("https://flag.example", "Env/1")
    assert config.api_version == "v2"


def test_each_variable_overrides_its_key(tmp_path: Path) -> None:
    environ = {
        "ENGAGE_BASE_URL": "https://env.example",
        "ENGAGE_API_VERSION": "v2",
        "ENGAGE_CODEGEN_OUTPUT": "out",
        "ENGAGE_CODEGEN_SCHEMAS": "one.json",
        "ENGAGE_USER_AGENT": "Env/1",
        "ENGAGE_CODEGEN_BUILD": "generate",
        "ENGAGE_CODEGEN_TIMEOUT": "7.5",
    }
    assert set(environ) == set(filter(None, KEYS.values()))
    assert _load(tmp_path, environ) == Config(
        output=tmp_path / "out",
        base_url="https://env.example",
        api_version="v2",
        schemas=(tmp_path / "one.json",),
        user_agent="Env/1",
        build="generate",
        timeout=7.5,
        url_origin=UrlOrigin("environment", "ENGAGE_BASE_URL"),
    )


def test_no_variable_changes_the_text_of_the_package_or_the_version_that_may_write_it(
    tmp_path: Path,
) -> None:
    """Whether checked-in code is stale must not depend on somebody's shell."""
    decisive = ["contracts", "templates", "renames"]
    decisive += ["without", "http", "dialect", "required-version"]
    assert [key for key, variable in KEYS.items() if not variable] == decisive
    names = [key.upper().replace("-", "_") for key in decisive]
    environ = {
        f"{prefix}{name}": "x" for prefix in ("ENGAGE_CODEGEN_", "ENGAGE_") for name in names
    }
    assert _load(tmp_path, environ) == _load(tmp_path)


def test_the_keys_without_a_variable_are_read_from_the_file(tmp_path: Path) -> None:
    _write(
        tmp_path / "pyproject.toml",
        '[tool.engage-codegen]\nwithout = ["testing", "bulk", "bulk"]\ndialect = "json-schema"\n'
        'http = "httpx2"\n'
        'required-version = "1.2"\nrenames = {a = "b"}\n',
    )
    config = _load(tmp_path)
    assert (config.without, config.dialect) == (("bulk", "testing"), "json-schema")
    assert config.http == "httpx2"
    assert (config.required_version, config.renames) == ("1.2", {"a": "b"})


@pytest.mark.parametrize("value", ['"requests"', '"HTTPX"', '"httpx3"', '""', "2", '["httpx"]'])
def test_another_http_library_is_refused_with_the_names_of_those_that_exist(
    value: str, tmp_path: Path
) -> None:
    path = _write(tmp_path / "pyproject.toml", f"[tool.engage-codegen]\nhttp = {value}\n")
    with pytest.raises(ConfigError, match="unknown HTTP library") as caught:
        _load(tmp_path)
    assert "httpx and httpx2" in str(caught.value)
    assert caught.value.location == Location(str(path), "", 2, 1)


def test_each_target_can_have_its_own_http_library(tmp_path: Path) -> None:
    _write(
        tmp_path / "pyproject.toml",
        '[tool.engage-codegen]\nhttp = "httpx2"\n'
        '[tool.engage-codegen.targets.a]\noutput = "a"\nhttp = "httpx"\n'
        '[tool.engage-codegen.targets.b]\noutput = "b"\n',
    )
    configs = load(file=None, environ={}, flags={}, folder=tmp_path)
    assert [config.http for config in configs] == ["httpx", "httpx2"]


@pytest.mark.parametrize("text", ["120", " 7.5 ", "0.25", "86400"])
def test_a_time_limit_is_a_number_of_seconds(text: str, tmp_path: Path) -> None:
    assert _load(tmp_path, {"ENGAGE_CODEGEN_TIMEOUT": text}).timeout == float(text)
    _write(tmp_path / "pyproject.toml", f"[tool.engage-codegen]\ntimeout = {text}\n")
    assert _load(tmp_path).timeout == float(text)


@pytest.mark.parametrize(
    "text",
    [
        *("0", "0.0", "-1", "86401", "1e3", "1_0", "nan", "inf", "9" * 400, "1.", "soon", "True"),
        *("\u0661\u0662", "\uff11", "12s", "1,5", "0x10", "+5", "1 2"),
    ],
)
def test_another_time_limit_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ENGAGE_CODEGEN_TIMEOUT must be a number of seconds"):
        _load(tmp_path, {"ENGAGE_CODEGEN_TIMEOUT": text})


def test_paths_are_relative_to_the_file_or_for_flags_to_the_current_folder(tmp_path: Path) -> None:
    _write(
        tmp_path / "pyproject.toml",
        '[tool.engage-codegen]\nschemas = ["schemas", "x/../more.json"]\noutput = "./x/../y"\n',
    )
    config = _load(tmp_path / "below")
    assert config.schemas == (tmp_path / "schemas", tmp_path / "more.json")
    assert config.output == tmp_path / "y"
    assert _load(tmp_path / "below", output="z").output == tmp_path / "below/z"


@pytest.mark.parametrize("text", ["../other", "/etc", "sub/../../other", "link", "link/a.json"])
def test_schemas_of_a_file_are_in_its_repository(tmp_path: Path, text: str) -> None:
    repository = tmp_path / "repository"
    project = repository / "project"
    (tmp_path / "other").mkdir()
    project.mkdir(parents=True)
    (project / "link").symlink_to(tmp_path / "other")
    _write(project / "pyproject.toml", f'[tool.engage-codegen]\nschemas = "{text}"\n')
    with pytest.raises(ConfigError, match="leads out of the repository") as caught:
        _load(project)
    assert caught.value.location.line == 2
    flags = {"schemas": text}
    file = project / "pyproject.toml"
    file.write_text("[tool.engage-codegen]\n")
    assert load(file=file, environ={}, flags=flags, folder=project)[0].schemas
    (repository / ".git").mkdir()
    file.write_text('[tool.engage-codegen]\nschemas = "../shared"\n')
    assert _load(project).schemas == (repository / "shared",)


def test_renames_of_the_command_line_are_added_to_those_of_the_file(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.engage-codegen.renames]\na = "x"\nb = "y"\n')
    (config,) = load(file=None, environ={}, flags={}, folder=tmp_path, renames={"b": "z", "c": "w"})
    assert config.renames == {"a": "x", "b": "z", "c": "w"}


@pytest.mark.parametrize("key", ["api-key", "api_key", "apikey", "key", "ENGAGE_API_KEY", "token"])
def test_a_key_in_a_file_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "pyproject.toml", f'[tool.engage-codegen]\n{key} = "the-secret"\n')
    with pytest.raises(ConfigError, match="a checked-in key is not secret") as caught:
        _load(tmp_path)
    assert "the-secret" not in str(caught.value)
    assert "ENGAGE_API_KEY" in caught.value.fix
    assert (caught.value.location.file, caught.value.location.line) == (str(path), 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("base-url = 3", "`base-url` must be a string on one line"),
        ('base-url = "a\\nb"', "`base-url` must be a string on one line"),
        ('timeout = "120"', "`timeout` must be a number of seconds"),
        ("timeout = true", "`timeout` must be a number of seconds"),
        ("timeout = nan", "`timeout` must be a number of seconds"),
        ("timeout = inf", "`timeout` must be a number of seconds"),
        ("required-version = 1", "`required-version` must be a string on one line"),
        ('api-version = "v4"', "`api-version` must be v2 or v3"),
        ('output = "my-package"', "'my-package' is no package name"),
        ('output = "class"', "'class' is no package name"),
        ('output = ""', "must be the package folder itself"),
        ('output = ".."', "must be the package folder itself"),
        ("schemas = 3", "`schemas` must be a path or a list of paths"),
        ("schemas = [3]", "`schemas` must be a string on one line"),
        ('without = ["nonsense"]', "unknown optional part 'nonsense'"),
        ("without = 3", "unknown optional part '3'"),
        ('dialect = "draft-7"', "unknown dialect 'draft-7'"),
        ('build = "never"', "unknown action of the build hook: 'never'"),
        ('renames = "a"', "`renames` must be a table of names"),
        ('renames = {a = "1b"}', "the name '1b' for 'a' is not a Python identifier"),
        ("renames = {a = 1}", "the name '1' for 'a' is not a Python identifier"),
        ('renames = {a = "é"}', "the name 'é' for 'a' is not a Python identifier"),
        ('base_url = "x"', "unknown key 'base_url'"),
        ('nonsense = "x"', "unknown key 'nonsense'"),
    ],
)
def test_a_wrong_value_is_refused_on_its_line(line: str, message: str, tmp_path: Path) -> None:
    path = _write(
        tmp_path / "pyproject.toml",
        f"[project]\nname = 'x'\n\n[tool.engage-codegen]\n# a comment\n{line}\n",
    )
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        _load(tmp_path)
    assert str(path) in caught.value.where
    assert caught.value.location == Location(str(path), "", 6, 1)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.engage-codegen]\n\n[tool.engage-codegen.renames]\na = 1", 3),
        ("[other]\nbuild = 1\n[tool.engage-codegen]\n'build' = 1", 4),
        ('[tool.engage-codegen.targets.a]\noutput = "a"\n"build" = 1', 3),
        ("[tool.engage-codegen.targets.a]\nbuild = 1\n[tool.engage-codegen.targets.b]", 2),
        ("[ tool.engage-codegen ]\nbuild = 1", 2),
        ("x = 1\n[tool]\nengage-codegen.build = 1", 1),
        ("x = 1\n[tool]\nengage-codegen = {build = 1}", 1),
    ],
)
def test_a_wrong_value_is_located_in_each_notation_of_toml(
    text: str, line: int, tmp_path: Path
) -> None:
    """In inline and dotted tables, of which tomllib has no positions, the file is named alone."""
    path = _write(tmp_path / "pyproject.toml", text)
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path)
    assert (caught.value.location.file, caught.value.location.line) == (str(path), line)


def test_a_wrong_flag_or_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--api-version must be v2 or v3") as caught:
        _load(tmp_path, api_version="v4")
    assert caught.value.where == "--api-version"
    with pytest.raises(ConfigError, match="ENGAGE_API_VERSION must be v2 or v3") as caught:
        _load(tmp_path, {"ENGAGE_API_VERSION": "v4"})
    assert caught.value.where == "environment variable ENGAGE_API_VERSION"


def test_an_unknown_key_gets_the_nearest_valid_one(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.engage-codegen]\nbase_url = "x"\n')
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path)
    assert caught.value.fix == "did you mean 'base-url'?"


def test_a_section_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool]\nengage-codegen = "x"\n')
    with pytest.raises(ConfigError, match=r"tool\.engage-codegen must be a table"):
        _load(tmp_path)


def test_a_named_file_must_have_the_section(tmp_path: Path) -> None:
    path = _write(tmp_path / "other.toml", "[tool.other]\n")
    with pytest.raises(ConfigError, match=r"has no section \[tool.engage-codegen\]") as caught:
        load(file=path, environ={}, flags={}, folder=tmp_path)
    assert caught.value.location == Location(str(path), "", 1, 1)


@pytest.mark.parametrize("text", ["[", "x = 1\nx = 2", "\x00"])
def test_a_file_that_is_not_toml_is_refused(text: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "pyproject.toml", text)
    with pytest.raises(ConfigError, match="is not valid TOML") as caught:
        _load(tmp_path)
    assert (caught.value.where, caught.value.fix) == (str(path), "correct the file")


@pytest.mark.parametrize(
    "output",
    ["../package", "/tmp/package", "a b/package", "$(id)/package", "-x/package",
     ".git/package", "~/package", "a:b/package"],
)  # fmt: skip
def test_a_file_names_only_an_output_below_its_folder(tmp_path: Path, output: str) -> None:
    _write(tmp_path / "pyproject.toml", f'[tool.engage-codegen]\noutput = "{output}"\n')
    with pytest.raises(ConfigError, match="must be a path below the folder of the file"):
        _load(tmp_path)


@pytest.mark.parametrize(
    "output", ["package", "./package", "src/acme-shop/v1.2/package", "é/package"]
)
def test_an_output_has_names_and_slashes(tmp_path: Path, output: str) -> None:
    _write(tmp_path / "pyproject.toml", f'[tool.engage-codegen]\noutput = "{output}"\n')
    assert _load(tmp_path).output == tmp_path / output


def test_a_link_does_not_lead_the_output_out_of_the_project(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (outside / "package").mkdir(parents=True)
    _write(project / "pyproject.toml", '[tool.engage-codegen]\noutput = "src/package"\n')
    (project / "src").symlink_to(outside)
    with pytest.raises(ConfigError, match="outside of the project: a link leads to"):
        _load(project)
    with pytest.raises(ConfigError, match="outside of the project: a link leads to"):
        _load(project, output="src/package")
    (project / "src").unlink()
    (project / "src").mkdir()
    (project / "src/package").symlink_to(outside / "package")
    with pytest.raises(ConfigError, match="outside of the project: a link leads to"):
        _load(project)
    assert _load(project, output=str(outside / "package")).output == outside / "package"


def test_a_byte_order_mark_in_the_file_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    text = '[tool.engage-codegen]\ndialect = "other"\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("other", "json-schema").encode())
    (config,) = load(file=None, environ={}, flags={}, folder=tmp_path)
    assert config.dialect == "json-schema"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    with pytest.raises(ConfigError, match="unknown dialect") as caught:
        load(file=None, environ={}, flags={}, folder=tmp_path)
    assert (caught.value.location.line, caught.value.location.column) == (2, 1)
