"""The reads of the client for threads, and its deletes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from ..call import read
from ..call.contacts import ContactQuery, find_contact
from ..call.ids import ContactId
from ..call.pages import Pages
from ..call.retry import RetryPolicy
from ..call.schemas import check_schemas, list_schemas
from ..payload.encoding import schema_id_of
from ..payload.types import Payload
from ..registry import snapshot
from ..results import SchemaCheck, SchemaSummary, Stored, created_date_key
from .thread_engine import ThreadEngine

P = TypeVar("P", bound=Payload)


class ClientReads:
    """The methods of `EngageClient` that send no interaction.

    The last arguments of all of them are those of `EngageClient.send`.
    """

    # For other parts of the runtime. Completion shows only what applications use.
    __engine__: ThreadEngine

    def find_contact(
        self,
        *,
        email: str | None = None,
        mobile_phone: str | None = None,
        social_security_number: str | None = None,
        custom_key: str | None = None,
        any_key: str | None = None,
        contact_type: str | None = None,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Return the id of the contact that has these values, all of them.

        Args:
            email: The e-mail address.
            mobile_phone: The mobile phone number, like ``+46701234567``.
            social_security_number: The social security number.
            custom_key: The member number or external id, as the tenant is set up.
            any_key: One of the above. Engage tries the first whose format fits, and no other: it
                does not find a member number that looks like a phone number.
            contact_type: The type of the contact, like ``Member``.

        Raises:
            ContactNotFoundError: The tenant has no such contact.
            AmbiguousContactError: Several contacts have these values. The error has their ids.
            RejectedError: Engage finds a value invalid. `error_code` says which.
            ConfigurationError: There is no value to look for, or one that is blank.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        values = {
            "email": email,
            "mobile_phone": mobile_phone,
            "social_security_number": social_security_number,
            "custom_key": custom_key,
            "any_key": any_key,
        }
        query = ContactQuery(values, contact_type)
        contact_id = engine.cached_contact(query)
        if contact_id is None:
            with engine.observe("find_contact", ""):
                settings = engine.settings(
                    retry, deadline=deadline, timeout=timeout, headers=headers
                )
                contact_id = engine.run(find_contact(query, settings.policy), settings)
            engine.remember_contact(query, contact_id)
        return contact_id

    def get(
        self,
        payload_class: type[P],
        interaction_id: str,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Stored[P]:
        """Read one interaction by its id.

        Raises:
            InteractionNotFoundError: The tenant has no such interaction.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        with engine.observe("get", schema_id_of(payload_class)):
            settings = engine.settings(retry, deadline=deadline, timeout=timeout, headers=headers)
            call = read.get(payload_class, interaction_id, settings.policy)
            return engine.run(call, settings)

    def list(
        self,
        payload_class: type[P],
        contact_id: ContactId,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Stored[P]]:
        """Iterate over all interactions of one schema of a contact, in no particular order.

        Reads a page when the iteration reaches it. `deadline` is the limit in seconds for a page.

        Raises:
            UnknownContactError: The tenant has no such contact.
            UnknownSchemaError: The tenant has no such interaction schema.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        schema_id = schema_id_of(payload_class)
        pages = Pages(payload_class, contact_id, retry or engine.retry)
        while pages.has_more:
            with engine.observe("list", schema_id):
                settings = engine.settings(
                    retry, deadline=deadline, timeout=timeout, headers=headers
                )
                page = engine.run(pages.next(), settings)
            yield from page

    def interactions(
        self,
        contact_id: ContactId,
        payload_classes: Iterable[type[Payload]],
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Sequence[Stored[Payload]]:
        """Return all interactions of several schemas of a contact, oldest first.

        Interactions whose date cannot be read come last. `deadline` is the limit in seconds for a
        page. Raises the errors of `list`.
        """
        interactions = [
            stored
            for payload_class in payload_classes
            for stored in self.list(
                payload_class,
                contact_id,
                retry=retry,
                deadline=deadline,
                timeout=timeout,
                headers=headers,
            )
        ]
        return sorted(interactions, key=created_date_key)

    def delete(
        self,
        interaction_id: str,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Delete an interaction permanently.

        Raises:
            InteractionNotFoundError: The tenant has no such interaction.
            OutcomeUnknownError: Engage did not answer. Deleting it again is safe.
        """
        engine = self.__engine__
        with engine.observe("delete", ""):
            settings = engine.settings(retry, deadline=deadline, timeout=timeout, headers=headers)
            engine.run(read.delete(interaction_id, settings.policy), settings)

    def schemas(
        self,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Sequence[SchemaSummary]:
        """Return the ids and titles of all interaction schemas of the tenant, ordered by id.

        Raises:
            UnauthorizedError: The key may not read the schemas.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        with engine.observe("schemas", ""):
            settings = engine.settings(retry, deadline=deadline, timeout=timeout, headers=headers)
            return engine.run(list_schemas(settings.policy), settings)

    def check_schemas(
        self,
        *,
        retry: RetryPolicy | None = None,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> SchemaCheck:
        """Compare the schemas of the tenant with those that this package was generated from.

        Call it when a service starts: interactions that do not fit the schemas of the tenant are
        ignored, or lose properties. Sends a request for each schema, and one for the list.

        Raises:
            UnauthorizedError: The key may not read the schemas.
            ConfigurationError: The installed package lacks its snapshot.
            ReadError: Engage gave no usable answer. Try again.
        """
        engine = self.__engine__
        with engine.observe("check_schemas", ""):
            settings = engine.settings(retry, deadline=deadline, timeout=timeout, headers=headers)
            return engine.run(check_schemas(snapshot(), settings.policy), settings)
