"""The point of sale of a shop, built by setuptools."""
