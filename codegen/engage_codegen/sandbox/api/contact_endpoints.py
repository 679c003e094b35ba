"""The endpoints of contacts: search by a field, read one, list the changed ones, count."""

from fastapi import APIRouter, Depends

from engage_codegen.sandbox.api import contact_models as models
from engage_codegen.sandbox.api import contact_rules as rules
from engage_codegen.sandbox.api.admission import admit
from engage_codegen.sandbox.errors import not_found
from engage_codegen.sandbox.openapi import describe_errors
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.state import State
from engage_codegen.sandbox.store.contacts import ChangeType
from engage_codegen.sandbox.store.tenant import Tenant

contacts = APIRouter(
    prefix="/contacts", dependencies=[Depends(admit)], responses=describe_errors(401, 429, 500)
)


@contacts.get("/id", responses=describe_errors(400, 404, 409))
def find_contact(
    state: State,
    email: models.EmailParameter = None,
    mobile_phone: models.PhoneParameter = None,
    social_security_number: models.SocialSecurityParameter = None,
    custom_key: models.CustomKeyParameter = None,
    any_: models.AnyParameter = None,
    contact_type: models.ContactTypeParameter = None,
) -> str:
    """Return the id of the only contact that meets all criteria; at least one is required."""
    search = rules.ContactSearch(
        email=email,
        mobile_phone=mobile_phone,
        social_security_number=social_security_number,
        custom_key=custom_key,
        any=any_,
        contact_type=contact_type,
    )
    with state.store.transaction() as tenant:
        types = set[str]() if contact_type is None else tenant.contacts.list_types()
        criteria = rules.read_search(search, types, state.options)
        return rules.require_one_match(tenant.contacts.find(criteria, contact_type))


@contacts.get("/changes", responses=describe_errors(400))
def list_contact_changes(
    state: State,
    change_type: models.ChangeParameter,
    from_date: models.FromParameter,
    to_date: models.ToParameter,
) -> list[str]:
    """List the ids of the contacts that were created, updated or deleted in a window of time."""
    since, until = rules.read_window(from_date, to_date)
    limit = state.options.max_changed_contacts + 1
    with state.store.transaction() as tenant:
        ids = tenant.contacts.list_changed(ChangeType(change_type), since, until, limit)
    return list(rules.require_few(ids, state.options))


@contacts.get("/count")
def count_contacts(state: State) -> int:
    """Count the contacts. On the platform, the number can be 20 minutes old; here it is current."""
    with state.store.transaction() as tenant:
        return tenant.contacts.count()


@contacts.get("/{contact_id}", response_model_exclude_none=True, responses=describe_errors(404))
def get_contact(contact_id: models.ContactIdParameter, state: State) -> models.ContactDetails:
    """Return a contact: its id, its type and the fields that are set."""
    with state.store.transaction() as tenant:
        existing_id = find_contact_id(tenant, contact_id, state.options)
        contact = None if existing_id is None else tenant.contacts.get(existing_id)
    if contact is None:
        raise not_found("Contact", contact_id)
    return models.ContactDetails.describe(contact)


def find_contact_id(
    tenant: Tenant, contact_id: str, options: Options, *, or_deleted: bool = False
) -> str | None:
    """Return the id of the contact that a contactId stands for, or None if there is no such one."""
    return next(
        (
            possible_id
            for possible_id in rules.list_possible_ids(contact_id, options)
            if tenant.contacts.exists(possible_id, or_deleted=or_deleted)
        ),
        None,
    )
