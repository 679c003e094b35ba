"""A local Engage: the interactions API over HTTP, with SQLite storage and its own rules.

The sandbox is the independent witness of this project. It shares no code with the linter or the
generator, so that a mistake made there is not repeated here. `server` starts it and `testing` holds
its pytest fixture; importing this package alone does not import FastAPI.
"""
