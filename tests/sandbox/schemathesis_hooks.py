"""For Schemathesis, which loads this by name: what it cannot know, and what is right anyway."""

import re
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
SCHEMA = "anything"

SERVER_ERROR_FOR_A_CONTENT_TYPE = "ST102"
REFUSED_THOUGH_AS_DESCRIBED = "ST202"
BEYOND_A_DESCRIPTION = re.compile(
    r"continuation is not a token of this API"  # opaque: there is nothing to describe
    r"|required: item \d+ is not the name of a property"  # one part of a body needs another
    r"|properties: at most 6 may have addToSegmentation"
    r"|id: this contact exists already"  # it depends on what there is
    r"|the clock cannot leave the years"
)
CODES_BEYOND_A_DESCRIPTION = [
    "SchemaLimitReached",
    "InvalidInteraction",  # against a schema of the tenant
]


def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: Any,
    response: schemathesis.Response,
) -> bool:
    """Whether it is one."""
    if failure.code == SERVER_ERROR_FOR_A_CONTENT_TYPE:
        # The vendor documents 500, where 415 is expected, for a body not declared as JSON.
        return not (case.path.startswith("/api/") and response.status_code == 500)
    if failure.code == REFUSED_THOUGH_AS_DESCRIBED and response.status_code == 400:
        error = response.json()
        reasons: list[str] = error["messageDetails"]["reasons"]
        is_foreseen = reasons and all(map(BEYOND_A_DESCRIPTION.match, reasons))
        return not is_foreseen and error["errorCode"] not in CODES_BEYOND_A_DESCRIPTION
    return True


def map_query(context: schemathesis.HookContext, query: Any) -> Any:
    """Ids that there are, and no token, most of the time: made up, they all end in an error."""
    if query is not None:
        if len(str(query.get("continuation"))) % 4:
            query.pop("continuation", None)
        _use_known_ids(query)
    return query


def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    return _use_known_ids(body) if hasattr(body, "get") else body


def _use_known_ids(members: Any) -> Any:
    for name, known in (("contactId", CONTACT), ("schemaId", SCHEMA)):
        value = members.get(name)
        if isinstance(value, str) and len(value) % 4:
            members[name] = known
    return members


register: Any = vars(schemathesis)["hook"]  # as a decorator its types are incomplete
for hook in (filter_failure, map_query, map_body):
    register(hook)
