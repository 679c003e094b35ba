"""What decides the text of a package."""

from engage_codegen.output.recipe import Recipe


def test_each_setting_decides_and_the_order_of_renames_does_not() -> None:
    plain = Recipe({}, "engage", (), "httpx").generator()
    assert plain == Recipe({}, "engage", (), "httpx").generator()
    assert plain != Recipe({"a": "b"}, "engage", (), "httpx").generator()
    assert plain != Recipe({}, "json-schema", (), "httpx").generator()
    assert plain != Recipe({}, "engage", ("bulk",), "httpx").generator()
    assert plain != Recipe({}, "engage", (), "httpx2").generator()
    one, other = {"a": "b", "c": "d"}, {"c": "d", "a": "b"}
    assert (
        Recipe(one, "engage", (), "httpx").generator()
        == Recipe(other, "engage", (), "httpx").generator()
    )
