"""For tests of application code: clients without a network, and payloads."""
