"""Asking a tenant how it behaves where the platform is not documented.

A probe creates schemas under names of its own, sends interactions to one contact, reads them back,
and deletes everything. The answers become the options of the sandbox.
"""
