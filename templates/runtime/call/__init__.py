"""The calls of the Engage API, each described once for both clients. No I/O."""
