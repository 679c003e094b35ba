"""Schemas as code: creating the schemas of a project in a tenant.

A schema cannot be changed in place. Replacing one means deleting it together with every interaction
stored under it, which nobody can count or restore. So a schema is replaced only if it is named, and
only after the tenant has shown, under a temporary id, that it accepts the new one.
"""
