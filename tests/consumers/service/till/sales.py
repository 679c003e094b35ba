"""Notes a favourite, with asyncio."""

import asyncio
import sys

from till.engage_interactions import AsyncEngageClient
from till.engage_interactions.favourite import Favourite, send_favourite_async


async def note(contact_id: str) -> str:
    """The id of what was stored."""
    async with AsyncEngageClient.from_env() as engage:
        favourite = Favourite(product_sku="7120-38", price=450)
        return (await send_favourite_async(engage, contact_id, favourite)).id


def main() -> None:
    """The contact is the argument."""
    print(asyncio.run(note(sys.argv[1])))
