"""The outbox and the rate limit of several machines, in PostgreSQL."""
