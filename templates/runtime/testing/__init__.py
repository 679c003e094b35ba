"""Support for tests of applications: clients without a network, and sample payloads."""
