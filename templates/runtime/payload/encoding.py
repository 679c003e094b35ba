"""The payload that is sent: it is checked again when it is encoded.

An instance can be changed after its checks (``object.__setattr__``), created without them (by
``__new__`` or a subclass), or have a time zone whose offset changes.
"""

from typing import cast

from ..errors import ConfigurationError, EngageError, InvalidPayloadError
from ..violation import Violation
from .plain import is_instance
from .types import Json, Payload


def payload_class_of(payload: object) -> type[Payload]:
    """Return the generated class of a payload.

    Raises `ConfigurationError` for anything but an instance of a payload class of this package.
    """
    if is_instance(payload, Payload):
        payload_class = payload.__payload_class__
        if payload.__schema_id__ == payload_class.__schema_id__:
            return payload_class
        raise ConfigurationError(
            f"{type(payload).__qualname__} overrides __schema_id__. Nothing was sent. Use the "
            f"payload class of the schema {payload.__schema_id__}."
        )
    package = __name__.partition("._runtime")[0]
    if isinstance(payload, type):
        description = f"the class {payload.__qualname__}"
        advice = "Create an instance of it."
    else:
        payload_type = type(payload)
        description = f"{payload_type.__module__}.{payload_type.__qualname__}"
        description = description.removeprefix("builtins.")
        advice = "Create one from your data, or use the client of the package that it belongs to."
    raise ConfigurationError(
        f"A payload must be an instance of a payload class of {package}, not {description}. "
        f"Nothing was sent. {advice}"
    )


def schema_id_of(payload_class: object) -> str:
    """Return the schema id of a generated class, or of a class that derives from one.

    Raises `ConfigurationError` for anything but a payload class of this package.
    """
    if isinstance(payload_class, type) and issubclass(payload_class, Payload):
        schema_id: object = getattr(payload_class, "__schema_id__", None)
        if isinstance(schema_id, str):
            return schema_id
    package = __name__.partition("._runtime")[0]
    if isinstance(payload_class, type):
        name = payload_class.__qualname__
    else:
        name = f"an instance of {type(payload_class).__qualname__}"
    raise ConfigurationError(f"A payload class of {package} is needed, not {name}.")


def checked_payload(payload: Payload) -> dict[str, Json]:
    """Check a payload again, and return it as a JSON object with wire names.

    Raises `InvalidPayloadError` for an instance that is no longer valid, or never was.
    """
    payload_class = payload.__payload_class__
    if type(payload) is payload_class:
        return encode_payload(payload)
    # A subclass can override the checks as well as the encoding.
    wire: dict[str, Json] = {}
    try:
        wire = payload.to_payload()
    except EngageError:
        raise
    except Exception as error:
        raise _invalid(payload, error) from error
    return payload_class.from_payload(wire).to_payload()


def encode_payload(payload: Payload) -> dict[str, Json]:
    """Do the same without what a subclass overrides."""
    payload_class = payload.__payload_class__
    try:
        payload_class.__post_init__(payload)
        return payload_class.to_payload(payload)
    except EngageError:
        raise
    except Exception as error:
        raise _invalid(payload, error) from error


def _invalid(payload: Payload, error: Exception) -> InvalidPayloadError:
    """Return the error for a payload whose encoding failed."""
    payload_class = payload.__payload_class__
    slots = cast(tuple[str, ...], payload_class.__slots__)
    violations = [
        Violation(name, "required", "has no value, because the constructor was not called")
        for name in slots
        if not hasattr(payload, name)
    ]
    if not violations:
        try:
            payload_class.__post_init__(payload)
        except InvalidPayloadError as invalid:
            return invalid
        message = f"cannot be encoded: {type(error).__name__}"
        violations.append(Violation("payload", "json", message))
    return InvalidPayloadError(payload_class.__schema_id__, violations)
