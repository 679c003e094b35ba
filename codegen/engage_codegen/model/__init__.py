"""Schemas -> what the templates see."""
