"""Messages of the package show foreign text on one line of a log."""

import pytest

from engage_interactions import InvalidPayloadError
from engage_interactions.favourite import Favourite
from tests.support.readers.logs import LOG_SYNTAX, find_controls


@pytest.mark.parametrize("text", LOG_SYNTAX, ids=ascii)
def test_the_name_of_an_undeclared_property_is_one_line_without_controls(text: str) -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        Favourite.from_payload({f"a{text}b": 1})
    message = str(caught.value)
    assert message.startswith("favourite: ")
    assert len(message.splitlines()) == 1
    assert not set(find_controls(message)) - {"\ufe0f"}
    assert any(violation.property == f"a{text}b" for violation in caught.value.violations)
