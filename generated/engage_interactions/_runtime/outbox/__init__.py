"""Interactions that wait in a file until they are delivered."""
