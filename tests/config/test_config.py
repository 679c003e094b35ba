"""The configuration: where it is found, what overrides what, what is refused."""

from pathlib import Path

import pytest

from engage_codegen.config import KEYS, Config, load
from engage_codegen.errors import ConfigError


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _load(folder: Path, environ: dict[str, str] | None = None, **flags: object) -> Config:
    given = {name.replace("_", "-"): value for name, value in flags.items()}
    (config,) = load(file=None, environ=environ or {}, flags=given, folder=folder)
    return config


def test_without_any_configuration_there_are_defaults(tmp_path: Path) -> None:
    config = _load(tmp_path)
    assert config == Config(output=tmp_path / "engage_interactions")
    assert config.api_version == "v3"


def test_the_nearest_file_with_our_section_counts(tmp_path: Path) -> None:
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


def test_every_key_has_a_variable(tmp_path: Path) -> None:
    environ = {
        "ENGAGE_BASE_URL": "https://env.example",
        "ENGAGE_API_VERSION": "v2",
        "ENGAGE_CODEGEN_OUTPUT": "out",
        "ENGAGE_CODEGEN_SCHEMAS": "one.json",
        "ENGAGE_CODEGEN_RENAMES": '{"a": "b"}',
        "ENGAGE_USER_AGENT": "Env/1",
        "ENGAGE_CODEGEN_WITHOUT": "bulk, ",
        "ENGAGE_CODEGEN_DIALECT": "json-schema",
        "ENGAGE_CODEGEN_BUILD": "generate",
    }
    assert set(environ) == set(KEYS.values())
    assert _load(tmp_path, environ) == Config(
        output=tmp_path / "out",
        base_url="https://env.example",
        api_version="v2",
        schemas=(tmp_path / "one.json",),
        renames={"a": "b"},
        user_agent="Env/1",
        without=("bulk",),
        dialect="json-schema",
        build="generate",
    )


def test_paths_are_relative_to_where_they_stand(tmp_path: Path) -> None:
    _write(
        tmp_path / "pyproject.toml",
        '[tool.engage-codegen]\nschemas = ["schemas", "../more.json"]\noutput = "./x/../y"\n',
    )
    config = _load(tmp_path / "below")
    assert config.schemas == (tmp_path / "schemas", tmp_path.parent / "more.json")
    assert config.output == tmp_path / "y"
    assert _load(tmp_path / "below", output="z").output == tmp_path / "below/z"


def test_renames_of_the_command_line_add_to_the_others(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.engage-codegen.renames]\na = "x"\nb = "y"\n')
    (config,) = load(file=None, environ={}, flags={}, folder=tmp_path, renames={"b": "z", "c": "w"})
    assert config.renames == {"a": "x", "b": "z", "c": "w"}


@pytest.mark.parametrize("key", ["api-key", "api_key", "apikey", "key", "ENGAGE_API_KEY", "token"])
def test_a_key_in_a_file_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", f'[tool.engage-codegen]\n{key} = "the-secret"\n')
    with pytest.raises(ConfigError, match="is no secret any more") as caught:
        _load(tmp_path)
    assert "the-secret" not in str(caught.value)
    assert "ENGAGE_API_KEY" in caught.value.fix


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("base-url = 3", "string on one line"),
        ('base-url = "a\\nb"', "string on one line"),
        ('api-version = "v4"', "v2 or v3"),
        ('output = "my-package"', "cannot be imported"),
        ('output = "class"', "cannot be imported"),
        ('output = ""', "not a folder that other things are in"),
        ('output = ".."', "not a folder that other things are in"),
        ("schemas = 3", "list of paths"),
        ("schemas = [3]", "string on one line"),
        ('without = ["nonsense"]', "no part 'nonsense'"),
        ("without = 3", "no part '3'"),
        ('renames = "a"', "table of names"),
        ('renames = {a = "1b"}', "no Python identifier"),
        ("renames = {a = 1}", "no Python identifier"),
        ('renames = {a = "é"}', "no Python identifier"),
        ('base_url = "x"', "unknown key"),
        ('nonsense = "x"', "unknown key"),
    ],
)
def test_wrong_values_are_refused_with_their_place(line: str, message: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "pyproject.toml", f"[tool.engage-codegen]\n{line}\n")
    with pytest.raises(ConfigError, match=message) as caught:
        _load(tmp_path)
    assert str(path) in caught.value.where
    assert caught.value.fix


def test_an_unknown_key_gets_the_nearest_valid_one(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.engage-codegen]\nbase_url = "x"\n')
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path)
    assert caught.value.fix == "did you mean 'base-url'?"


def test_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool]\nengage-codegen = "x"\n')
    with pytest.raises(ConfigError, match="has to be a table"):
        _load(tmp_path)


def test_renames_in_a_variable_have_to_be_json(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not JSON"):
        _load(tmp_path, {"ENGAGE_CODEGEN_RENAMES": "a=b"})


def test_a_dialect_that_there_is_none_of_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no dialect 'draft-7'"):
        _load(tmp_path, {"ENGAGE_CODEGEN_DIALECT": "draft-7"})
