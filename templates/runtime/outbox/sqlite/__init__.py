"""The file of an outbox: an SQLite database."""
