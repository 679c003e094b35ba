"""Engines: they drive the calls of a client."""
