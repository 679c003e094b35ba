"""What users do with a payload class beside reading: constructing instances and sending them."""
