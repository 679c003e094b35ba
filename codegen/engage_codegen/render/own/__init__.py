"""Templates of a project: the contract that they rely on, their language, and their output."""
