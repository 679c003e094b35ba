"""The parts of `/openapi.json` that all routes share: errors, JSON types, and body validation."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Protocol

from jsonschema import Draft202012Validator
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from engage_codegen.sandbox.errors import malformed
from engage_codegen.sandbox.store.records import Json, Violation, to_pointer

AnyJson = Annotated[JsonValue, WithJsonSchema({})]
AnyObject = Annotated[
    dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})
]
DateTime = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


def omit_defaults(schema: JsonDict) -> None:
    """Remove defaults from a request body: generated clients would send them all."""
    members = schema["properties"]
    for member in members.values() if isinstance(members, dict) else ():
        if isinstance(member, dict):
            member.pop("default", None)


class CamelModel(BaseModel):
    """A body whose members have camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class BrokenRule(CamelModel):
    """A rule that the request breaks."""

    rule: str = Field(
        description="A keyword of JSON Schema, such as type, format or required, or a code of the "
        "sandbox, such as undeclared or unsupported"
    )
    pointer: str | None = Field(
        description="A JSON pointer into the request body; null if the violation is not in the body"
    )


class MessageDetails(CamelModel):
    """The reasons for an error, for people and for programs."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)

    reasons: list[str]
    violations: list[BrokenRule] = Field(description="The rule of each reason, in the same order")
    multiple_matches_found: list[str] = Field(
        default=[], description="The ids of the contacts; only with MultipleMatches"
    )

    @classmethod
    def describe(
        cls, violations: Iterable[Violation], matches: Sequence[str] = ()
    ) -> "MessageDetails":
        """Build the details of an error from the rules that the request breaks.

        With `matches`, the details also list the contacts that match a search. Dump them without
        the members that are not set.
        """
        broken = list(violations)
        more = {"multiple_matches_found": list(matches)} if matches else {}
        return cls(
            **more,
            reasons=[violation.message for violation in broken],
            violations=[
                BrokenRule(rule=violation.rule, pointer=violation.pointer) for violation in broken
            ],
        )


class Error(CamelModel):
    """The body of every error, including those for an undescribed path or method."""

    error_code: str
    message: str
    message_details: MessageDetails


_ERRORS = {
    400: "MalformedRequest, InvalidSchema, SchemaLimitReached or InvalidInteraction, with reasons; "
    "for a search InvalidEmailAddress, InvalidPhoneNumber, InvalidSocialSecurityNumber, "
    "InvalidContactType or InvalidSearchQuery",
    401: "InvalidApiKey: the apikey header is missing or wrong",
    403: "FeatureNotEnabled: interactions are not enabled for the tenant",
    404: "ContactNotFound, SchemaNotFound, InteractionNotFound, KeyNotFound, AutomationNotFound",
    409: "DuplicateSchemaId: the id is already used; MultipleMatches: several contacts match; or "
    "ImpossibleSegment, ImpossibleAutomation",
    422: "InvalidSchema, InvalidInteraction, DuplicateSchemaId or ContactNotFound, if the options "
    "choose this status",
    429: "TooManyRequests: the key is above the rate limit",
    500: "InternalError; under /api also for a body without `Content-Type: application/json`; "
    "InvalidSystemConfiguration: the custom key is not set up",
}


def describe_errors(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Return the `responses` of a route for these error statuses."""
    return {status: {"model": Error, "description": _ERRORS[status]} for status in statuses}


class _Problem(Protocol):
    message: str
    validator: str
    absolute_path: Iterable[str | int]


class _Validator(Protocol):
    def iter_errors(self, instance: Json) -> Iterator[_Problem]: ...


def validate_strictly(model: type[BaseModel]) -> BeforeValidator:
    """Accept a body, or each item of a list, only if it matches the JSON schema of the model.

    Pydantic alone is more lenient: it accepts 1 for true.
    """
    validator = _build_validator(model)

    def validate(body: Json) -> Json:
        try:
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError):
            message = "the body contains a number or text that JSON does not support"
            raise malformed("json", message, "") from None
        for part in body if isinstance(body, list) else [body]:
            for problem in validator.iter_errors(part):
                pointer = to_pointer(*problem.absolute_path)
                message = f"{pointer.removeprefix('/') or 'the body'}: {problem.message}"
                raise malformed(problem.validator, message, pointer)
        return body

    return BeforeValidator(validate)


def _build_validator(model: type[BaseModel]) -> _Validator:
    validator: _Validator = Draft202012Validator(model.model_json_schema())
    return validator
