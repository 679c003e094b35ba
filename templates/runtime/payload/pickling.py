"""Pickling of payloads: by schema id and wire names, so that a pickle survives a new schema.

Pickles name `restore`. Keep the name and the module, and accept the arguments of older versions.
"""

from collections.abc import Mapping
from typing import NoReturn, TypeVar, cast

from ..errors import ConfigurationError, InvalidPayloadError
from ..violation import Violation
from .encoding import encode_payload
from .types import Json, Payload

P = TypeVar("P", bound=Payload)


def reduce_payload(payload: Payload) -> tuple[object, ...]:
    """Return the function that restores a payload, and its arguments."""
    payload_class = payload.__payload_class__
    wire = encode_payload(payload)
    if type(payload) is payload_class:
        return restore, (payload_class.__schema_id__, wire)
    properties = cast(tuple[str, ...], payload_class.__slots__)
    attributes = attributes_of(payload)
    own = {name: attributes[name] for name in attributes.keys() - set(properties)}
    return restore, (payload_class.__schema_id__, wire, type(payload), own)


def restore(
    schema_id: str,
    wire: Mapping[str, Json],
    subclass: type[Payload] | None = None,
    attributes: Mapping[str, object] | None = None,
) -> Payload:
    """Create an instance of the class that the package has for this schema today.

    Args:
        schema_id: The id of the interaction schema.
        wire: The payload by wire names.
        subclass: The class of the instance, if it is your own.
        attributes: The values of the attributes that the subclass adds.

    Raises:
        InvalidPayloadError: The payload does not fit the schema that the package was generated
            from, or the package has no such schema.
        ConfigurationError: The subclass does not derive from the payload class of the schema.
    """
    from ..registry import generated_schemas, unknown_schema

    schema = generated_schemas().get(schema_id)
    if schema is None:
        raise unknown_schema(schema_id)
    payload_class = schema.load_payload_class()
    payload = payload_class.from_payload(wire)
    if subclass is None:
        return payload
    if not issubclass(subclass, payload_class):
        raise ConfigurationError(
            f"The pickle has an instance of {subclass.__qualname__}, which is not a subclass of "
            f"{payload_class.__qualname__}, the payload class of the schema {schema_id}."
        )
    return rebuild(subclass, {**attributes_of(payload), **(attributes or {})})


def refuse_state(payload: Payload) -> NoReturn:
    """Raise `InvalidPayloadError` for a pickle that has the values by position."""
    message = (
        "was pickled by an older version of this package, as a list of values without names. "
        "They cannot be assigned safely: create the payload again"
    )
    raise InvalidPayloadError(payload.__schema_id__, [Violation("payload", "pickle", message)])


def attributes_of(payload: Payload) -> dict[str, object]:
    """Return all attributes of an instance by name, those of slots and those of its dictionary."""
    # A dictionary, or a tuple of the dictionary and the slots.
    state = object.__getstate__(payload)
    parts = cast(tuple[object, ...], state) if isinstance(state, tuple) else (state,)
    attributes: dict[str, object] = {}
    for part in parts:
        attributes |= cast(dict[str, object] | None, part) or {}
    return attributes


def rebuild(payload_class: type[P], attributes: Mapping[str, object]) -> P:
    """Create an instance with these attributes, which were checked before."""
    payload = object.__new__(payload_class)
    for name, value in attributes.items():
        object.__setattr__(payload, name, value)
    return payload
