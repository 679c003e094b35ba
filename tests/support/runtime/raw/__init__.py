"""A platform on raw sockets for tests, and the sends that are made against it."""
