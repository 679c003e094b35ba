"""What is on the disk, whether it is ours, whether it is current, and how it is replaced."""
