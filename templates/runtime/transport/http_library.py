"""The HTTP library. No other module imports it at run time."""

import httpx

__all__ = ["httpx"]
