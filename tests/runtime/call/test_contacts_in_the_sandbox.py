"""`find_contact` against the sandbox: every parameter and error of the vendor's documentation."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_interactions import (
    AmbiguousContactError,
    AsyncEngageClient,
    ContactNotFoundError,
    EngageClient,
    RejectedError,
    RetryPolicy,
)
from engage_interactions.favourite import Favourite

pytestmark = pytest.mark.slow

FIRST = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
MEMBER = "8a7e4c19-2b36-4f5d-8c71-6e90d3a4b502"
NO_MEMBER = "c5d2f8b0-91e4-4a3c-b7f6-2d8a0e6c1f03"
WITH_PLUS = "1e9b6d74-c0a8-4e2f-a5d3-7f4c8b2e9a04"
WITH_QUOTE = "6b4f0e83-5a1d-4c97-9e28-b3d7a1f5c605"


def settings_for(sandbox: Sandbox) -> dict[str, Any]:
    once = RetryPolicy.never()
    key = sandbox.api_key
    return {"api_key": key, "user_agent": "Tests/1", "rate": 1_000_000, "retry": once}


def find_with_threads(sandbox: Sandbox, **values: Any) -> str:
    with EngageClient(sandbox.base_url, **settings_for(sandbox)) as engage:
        return engage.find_contact(**values)


def find_with_tasks(sandbox: Sandbox, **values: Any) -> str:
    async def find() -> str:
        async with AsyncEngageClient(sandbox.base_url, **settings_for(sandbox)) as engage:
            return await engage.find_contact(**values)

    return asyncio.run(find())


Find: TypeAlias = Callable[..., str]
both = pytest.mark.parametrize("find", [find_with_threads, find_with_tasks])


@pytest.fixture(scope="module")
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@both
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"email": "test.contact.1@example.com"}, FIRST),
        ({"email": "TEST.contact.1@Example.com"}, FIRST),
        ({"email": "test.contact+4@example.com"}, WITH_PLUS),
        ({"email": "zoë.o'test@example.com"}, WITH_QUOTE),
        ({"mobile_phone": "+46701740605"}, FIRST),
        ({"mobile_phone": "070-174 06 05"}, FIRST),
        ({"social_security_number": "18000101-0001"}, FIRST),
        ({"custom_key": "M-10001"}, FIRST),
        ({"custom_key": "M-10005 & Ö"}, WITH_QUOTE),
        ({"any_key": "test.contact+4@example.com"}, WITH_PLUS),
        ({"any_key": "+46701740605"}, FIRST),
        ({"any_key": "M-10001"}, FIRST),
        ({"email": "family@example.com", "contact_type": "Member"}, MEMBER),
        ({"email": "family@example.com", "contact_type": "Contact"}, NO_MEMBER),
        ({"email": "family@example.com", "custom_key": "M-10002"}, MEMBER),
    ],
)
def test_a_contact_is_found_by_every_parameter(
    sandbox: Sandbox, find: Find, arguments: dict[str, str], expected: str
) -> None:
    assert find(sandbox, **arguments) == expected


@both
@pytest.mark.parametrize(
    ("arguments", "error_class", "code"),
    [
        ({"email": "nobody@example.com"}, ContactNotFoundError, ""),
        ({"email": "test.contact 4@example.com"}, RejectedError, "InvalidEmailAddress"),
        ({"email": "no address"}, RejectedError, "InvalidEmailAddress"),
        ({"mobile_phone": "no number"}, RejectedError, "InvalidPhoneNumber"),
        ({"social_security_number": "7"}, RejectedError, "InvalidSocialSecurityNumber"),
        ({"email": "family@example.com", "contact_type": "?"}, RejectedError, "InvalidContactType"),
        ({"custom_key": "M-10001", "contact_type": "Contact"}, ContactNotFoundError, ""),
        # The trap: a member number that looks like a phone number.
        ({"any_key": "0701740699"}, ContactNotFoundError, ""),
    ],
)
def test_every_refusal_is_an_error_of_its_own(
    sandbox: Sandbox,
    find: Find,
    arguments: dict[str, str],
    error_class: type[Exception],
    code: str,
) -> None:
    with pytest.raises(error_class) as caught:
        find(sandbox, **arguments)
    assert type(caught.value) is error_class
    assert getattr(caught.value, "error_code", "") == code
    assert next(iter(arguments.values())) not in str(caught.value)


@both
def test_several_contacts_are_named_by_their_ids(sandbox: Sandbox, find: Find) -> None:
    with pytest.raises(AmbiguousContactError) as caught:
        find(sandbox, email="family@example.com")
    assert set(caught.value.contact_ids) == {MEMBER, NO_MEMBER}


@both
def test_a_tenant_without_custom_keys_is_an_error_that_no_retry_can_change(
    find: Find,
) -> None:
    with (
        running(options=Options(rate_limit=0, custom_key_enabled=False)) as sandbox,
        pytest.raises(RejectedError) as caught,
    ):
        find(sandbox, custom_key="M-10001")
    assert (caught.value.status, caught.value.error_code) == (500, "InvalidSystemConfiguration")


def test_from_an_e_mail_address_to_a_receipt(sandbox: Sandbox) -> None:
    with EngageClient(sandbox.base_url, **settings_for(sandbox)) as engage:
        assert engage.check_schemas().is_same
        contact_id = engage.find_contact(email="test.contact+4@example.com")
        receipt = engage.send(contact_id, Favourite(product_sku="7120-38"))
        assert engage.get(Favourite, receipt.id).contact_id == WITH_PLUS
