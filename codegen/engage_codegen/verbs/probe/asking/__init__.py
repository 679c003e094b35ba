"""The requests of a probe: what is sent, in which order, and how the answers are kept."""
