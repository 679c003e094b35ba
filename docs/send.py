"""Send one interaction of every schema, with and without asyncio, and read it back typed.

`docs/demo.py` runs this module.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import TypeAlias

from engage_interactions import AsyncEngageClient, EngageClient, Receipt
from engage_interactions.favourite import Favourite, send_favourite, send_favourite_async
from engage_interactions.friend_referral import (
    FriendReferral,
    send_friend_referral,
    send_friend_referral_async,
)
from engage_interactions.instagram_post import (
    InstagramPost,
    send_instagram_post,
    send_instagram_post_async,
)
from engage_interactions.product_review import (
    ProductReview,
    send_product_review,
    send_product_review_async,
)
from engage_interactions.repair import Repair, send_repair, send_repair_async
from engage_interactions.reuse_spring_2023 import (
    ReuseSpring2023,
    send_reuse_spring_2023,
    send_reuse_spring_2023_async,
)

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
MORNING = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)

REVIEW = ProductReview(product_sku="8810-42", rating=5, comment="Warm, and still light.")
POST = InstagramPost(post_url="https://instagram.example/p/1", posted_at=MORNING, likes=128)
REFERRAL = FriendReferral(referral_code="SPRING-7", friend_joined=True)
REUSE = ReuseSpring2023(name="Wool coat", price=450, created=MORNING)
REPAIR = Repair(product_sku="8810-42", repair_type="zipper", received_at=MORNING, cost=149.5)
FAVOURITE = Favourite(product_sku="7120-38", brand="House", price=899.0)

AnyPayload: TypeAlias = (
    ProductReview | InstagramPost | FriendReferral | ReuseSpring2023 | Repair | Favourite
)


def send_each(engage: EngageClient) -> list[Receipt]:
    """Send one interaction of every schema, each with its own sender."""
    return [
        send_product_review(engage, CONTACT, REVIEW),
        send_instagram_post(engage, CONTACT, POST),
        send_friend_referral(engage, CONTACT, REFERRAL),
        send_reuse_spring_2023(engage, CONTACT, REUSE),
        send_repair(engage, CONTACT, REPAIR),
        send_favourite(engage, CONTACT, FAVOURITE),
    ]


async def send_all_async(engage: AsyncEngageClient) -> list[Receipt]:
    """Send one interaction of every schema, all at the same time."""
    receipts = await asyncio.gather(
        send_product_review_async(engage, CONTACT, REVIEW),
        send_instagram_post_async(engage, CONTACT, POST),
        send_friend_referral_async(engage, CONTACT, REFERRAL),
        send_reuse_spring_2023_async(engage, CONTACT, REUSE),
        send_repair_async(engage, CONTACT, REPAIR),
        send_favourite_async(engage, CONTACT, FAVOURITE),
    )
    return list(receipts)


def read_back(engage: EngageClient, payload_class: type[AnyPayload]) -> list[AnyPayload]:
    """Return the typed payloads of one schema, from all pages."""
    return [stored.payload for stored in engage.list(payload_class, CONTACT)]


async def run_async(work: Callable[[AsyncEngageClient], Awaitable[list[Receipt]]]) -> list[Receipt]:
    """Run the work with its own client."""
    async with AsyncEngageClient.from_env() as engage:
        return await work(engage)


def format_attributes(payload: AnyPayload) -> str:
    """Format the attributes that are set."""
    values = {field.name: getattr(payload, field.name) for field in fields(payload)}
    return ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def main() -> None:
    """Send, read back, compare, and print the results."""
    payloads: list[AnyPayload] = [REVIEW, POST, REFERRAL, REUSE, REPAIR, FAVOURITE]
    with EngageClient.from_env() as engage:
        first = send_each(engage)
        second = asyncio.run(run_async(send_all_async))
        print(f"{'schema':17}{'sent as':11}{'async as':11}read back, twice")
        for payload, receipt, async_receipt in zip(payloads, first, second, strict=True):
            payloads_read = read_back(engage, type(payload))
            if payloads_read != [payload, payload]:
                raise SystemExit(f"sent {payload} twice, read back {payloads_read}")
            print(
                f"{type(payload).__name__:17}{receipt.id[:8]:11}{async_receipt.id[:8]:11}{format_attributes(payloads_read[0])}"
            )
    print(f"{len(first) + len(second)} interactions sent, stored, and read back equal")


if __name__ == "__main__":
    main()
