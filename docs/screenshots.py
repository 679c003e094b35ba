"""Take the screenshots in docs/images: a sandbox with example data, in a headless Chromium.

Run: python docs/screenshots.py [FOLDER]
"""

import random
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from engage_codegen.sandbox.server import Sandbox, running

IMAGES = Path(__file__).parent / "images"
UI = "/_sandbox/ui"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
PAGES = {
    "contact": f"/contacts/{CONTACT}",
    "segments": "/segments?schema1=favourite&least1=3&property1=favourite/category&value1=Jackets",
    "dropped": "/dropped",
    "schema": "/schemas/repair",
}


def fill(sandbox: Sandbox) -> None:
    """Send favourites and repairs of half a year, some with properties that are dropped."""
    dice = random.Random(7)  # noqa: S311 - no secrets
    headers = {"apikey": sandbox.api_key, "User-Agent": "screenshots/1.0"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers) as web:
        contacts = [contact["id"] for contact in web.get("/_sandbox/contacts").json()]
        for number in range(120):
            date = f"2026-{1 + number // 20:02}-{1 + number % 28:02}T10:{number % 60:02}:00+01:00"
            favourite = {
                "productSku": f"7120-{dice.randrange(10, 99)}",
                "category": dice.choice(["Jackets", "Trousers", "Boots"]),
                "price": dice.choice([450, 899, "ask in store"]),
            }
            _send(web, dice.choice(contacts), "favourite", favourite, date)
        for number, repair_type in enumerate(["New zip", "Patch on the elbow", "Waxing"]):
            repair = {
                "productSku": "7120-38",
                "repairType": repair_type,
                "store": "Stockholm",
                "cost": 250,
            }
            date = f"2026-05-{10 + number}T09:26:53+02:00"
            _send(web, CONTACT, "repair", repair | {"receivedAt": date}, date)
        _send(web, CONTACT, "repair", {"repairType": "Zip", "color": "red"}, "2026-06-01")


def _send(
    web: httpx.Client, contact: str, schema: str, payload: Mapping[str, object], date: str
) -> None:
    body = {"contactId": contact, "schemaId": schema, "createdDate": date, "payload": payload}
    web.post("/api/v3/interactions", json=body)


def main() -> None:
    """Take all screenshots, into the folder that the command line names or docs/images."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed. Run: apt-get install chromium")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(exist_ok=True)
    with running() as sandbox, sync_playwright() as play:
        sandbox.state.options = sandbox.state.options.model_copy(update={"rate_limit": 0})
        fill(sandbox)
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=sandbox.base_url, viewport={"width": 1000, "height": 760})
        for name, path in PAGES.items():
            page.goto(UI + path)
            page.screenshot(path=folder / f"{name}.png", full_page=name == "segments")
        browser.close()


if __name__ == "__main__":
    main()
