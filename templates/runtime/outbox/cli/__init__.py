"""The command line of an outbox."""
