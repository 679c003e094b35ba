"""Typed Python for the interactions of Voyado Engage: schemas in, a package out."""

__version__ = "0.1.0"
