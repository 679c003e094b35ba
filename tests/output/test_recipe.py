"""What decides the text of a package."""

from engage_codegen.output.recipe import Recipe


def test_each_setting_decides_and_the_order_of_renames_does_not() -> None:
    plain = Recipe({}, "engage", ()).generator()
    assert plain == Recipe({}, "engage", ()).generator()
    assert plain != Recipe({"a": "b"}, "engage", ()).generator()
    assert plain != Recipe({}, "json-schema", ()).generator()
    assert plain != Recipe({}, "engage", ("bulk",)).generator()
    one, other = {"a": "b", "c": "d"}, {"c": "d", "a": "b"}
    assert Recipe(one, "engage", ()).generator() == Recipe(other, "engage", ()).generator()
