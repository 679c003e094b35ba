"""A local Engage: the interactions API over HTTP, stored in SQLite, judging by its own rules.

It is the independent witness of this project. It shares no code with the linter or the generator,
so a mistake made there is not repeated here. `server` starts it, `rules` decides, `store`
remembers, `app` speaks HTTP.
"""
