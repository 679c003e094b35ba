"""Where schemas come from."""
