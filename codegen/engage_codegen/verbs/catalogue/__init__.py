"""A static site about schemas, for people who read no code."""

from .folder import SiteResult, write_site
from .site import render_site
from .tenant import Caller, Tenant, require_valid

__all__ = ["Caller", "SiteResult", "Tenant", "render_site", "require_valid", "write_site"]
