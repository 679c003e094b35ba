"""Contracts: what a project allows itself to send, in a TOML file for each schema."""
