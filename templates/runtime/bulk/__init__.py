"""Sending many interactions at once."""
