"""What an application does with its generated package: send one interaction of every kind, with
and without asyncio, and read it back typed. Run by `docs/demo.py`."""

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


def one_by_one(engage: EngageClient) -> list[Receipt]:
    """One of every kind, each through its own sender."""
    return [
        send_product_review(engage, CONTACT, REVIEW),
        send_instagram_post(engage, CONTACT, POST),
        send_friend_referral(engage, CONTACT, REFERRAL),
        send_reuse_spring_2023(engage, CONTACT, REUSE),
        send_repair(engage, CONTACT, REPAIR),
        send_favourite(engage, CONTACT, FAVOURITE),
    ]


async def with_asyncio(engage: AsyncEngageClient) -> list[Receipt]:
    """The same, all at once."""
    receipts = await asyncio.gather(
        send_product_review_async(engage, CONTACT, REVIEW),
        send_instagram_post_async(engage, CONTACT, POST),
        send_friend_referral_async(engage, CONTACT, REFERRAL),
        send_reuse_spring_2023_async(engage, CONTACT, REUSE),
        send_repair_async(engage, CONTACT, REPAIR),
        send_favourite_async(engage, CONTACT, FAVOURITE),
    )
    return list(receipts)


def read_back(engage: EngageClient, kind: type[AnyPayload]) -> list[AnyPayload]:
    """The typed payloads of one kind, over all pages."""
    return [stored.payload for stored in engage.list(kind, CONTACT)]


async def in_a_loop(work: Callable[[AsyncEngageClient], Awaitable[list[Receipt]]]) -> list[Receipt]:
    """Run the work with a client of its own."""
    async with AsyncEngageClient.from_env() as engage:
        return await work(engage)


def quote(payload: AnyPayload) -> str:
    """The attributes that are set."""
    values = {field.name: getattr(payload, field.name) for field in fields(payload)}
    return ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def main() -> None:
    """Send, read back, compare, and print what happened."""
    payloads: list[AnyPayload] = [REVIEW, POST, REFERRAL, REUSE, REPAIR, FAVOURITE]
    with EngageClient.from_env() as engage:
        first = one_by_one(engage)
        second = asyncio.run(in_a_loop(with_asyncio))
        print(f"{'kind':17}{'sent as':11}{'async as':11}read back, twice")
        for payload, one, other in zip(payloads, first, second, strict=True):
            found = read_back(engage, type(payload))
            if found != [payload, payload]:
                raise SystemExit(f"sent {payload} twice, read back {found}")
            print(f"{type(payload).__name__:17}{one.id[:8]:11}{other.id[:8]:11}{quote(found[0])}")
    print(f"{len(first) + len(second)} interactions sent, stored, and read back equal")


if __name__ == "__main__":
    main()
