"""Each call to the platform, described once, without I/O."""
