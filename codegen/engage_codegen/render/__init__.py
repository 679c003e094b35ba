"""Rendering: a model becomes the texts of a package."""
