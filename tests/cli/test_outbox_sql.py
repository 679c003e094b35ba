"""`outbox-sql` prints the SQL that the generated package has."""

from pathlib import Path

import pytest

from engage_interactions.postgres import drop_sql, tables_sql
from tests.support.tool import Tool


def test_the_printed_sql_is_that_of_the_package(project: Path, tool: Tool) -> None:
    assert tool("outbox-sql").out == tables_sql()
    assert tool("outbox-sql", "--drop").out == drop_sql()
    names = {"schema": "queues", "prefix": "shop_"}
    options = [text for name, value in names.items() for text in (f"--{name}", value)]
    assert tool("outbox-sql", *options).out == tables_sql(**names)
    assert tool("outbox-sql", *options, "--drop").out == drop_sql(**names)
    assert not list(project.iterdir())


@pytest.mark.parametrize("sql", [tables_sql(), drop_sql()])
def test_migration_tools_can_take_the_sql_apart(sql: str) -> None:
    assert "%" not in sql
    statements = sql.split(";\n")
    assert statements.pop() == ""
    assert all(";" not in statement for statement in statements)
    assert all(statement.startswith(("CREATE", "INSERT", "DROP")) for statement in statements)


@pytest.mark.parametrize("option", ["--schema", "--prefix"])
@pytest.mark.parametrize("name", ["", "Shop", 'a"b', "a;b", "a.b", "\u00e4", "1a", "a" * 41])
def test_a_name_that_would_need_quotes_is_refused(tool: Tool, option: str, name: str) -> None:
    outcome = tool("outbox-sql", option, name)
    assert (outcome.code, outcome.out) == (2, "")
    assert option in outcome.err
    assert "lowercase" in outcome.err
