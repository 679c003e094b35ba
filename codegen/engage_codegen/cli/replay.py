"""The requests of a platform file, sent again to a sandbox of this process."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from ..sources.interface import ApiKey

if TYPE_CHECKING:
    from ..verbs.probe.platform_file import Platform
    from ..verbs.probe.replay import Difference


def replay_platform(platform: "Platform") -> "list[Difference]":
    """Send the requests of a platform file to a sandbox with its options."""
    try:
        from ..sandbox.options import Options
        from ..sandbox.server import running
        from ..sandbox.store.contacts import StoredContact
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The sandbox needs {error.name}. Run: pip install 'engage-codegen[sandbox]'"
        ) from None
    from ..sources.rate import Unlimited
    from ..sources.tenant_session import TenantSession
    from ..verbs.probe.replay import replay

    contact = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
    try:
        options = Options.model_validate({**platform.options, "rate-limit": 0})
    except ValueError as error:
        raise InputError(
            f"the sandbox has no such option or value: {error}",
            where="engage-platform.toml",
            fix="write the file again with engage-codegen probe",
        ) from None
    with _quiet_sandbox(), running(seed=False, options=options) as sandbox:
        with sandbox.store.transaction() as tenant:
            tenant.contacts.add(StoredContact(contact), "2020-01-01T00:00:00.000Z")

        def set_time(moment: datetime) -> None:
            sandbox.state.clock.freeze(moment)

        with TenantSession(
            sandbox.base_url,
            key=ApiKey(sandbox.api_key),
            user_agent="replay/1",
            api_version=platform.api_version,
            limiter=Unlimited(),
        ) as session:
            return replay(platform, session, contact, set_time)


@contextmanager
def _quiet_sandbox() -> Generator[None]:
    """Keep the sandbox from warning of what the replay sends on purpose."""
    logger = logging.getLogger("engage_codegen.sandbox")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
