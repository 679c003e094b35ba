"""Send a review."""

import sys

from .engage_interactions import EngageClient
from .engage_interactions.product_review import ProductReview, send_product_review


def main() -> None:
    """Send a review by the contact whose id is the argument."""
    with EngageClient.from_env() as engage:
        review = ProductReview(product_sku="7120-38", rating=5)
        receipt = send_product_review(engage, sys.argv[1], review)
    print(receipt.id)
