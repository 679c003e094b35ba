"""What a value must be and how it is written. No I/O."""
