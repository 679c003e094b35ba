"""Send a favorite with asyncio."""

import asyncio
import sys

from till.engage_interactions import AsyncEngageClient
from till.engage_interactions.favourite import Favourite, send_favourite_async


async def send(contact_id: str) -> str:
    """Send a favorite of a contact and return the id of the interaction."""
    async with AsyncEngageClient.from_env() as engage:
        favourite = Favourite(product_sku="7120-38", price=450)
        return (await send_favourite_async(engage, contact_id, favourite)).id


def main() -> None:
    """Send a favorite of the contact whose id is the argument."""
    print(asyncio.run(send(sys.argv[1])))
