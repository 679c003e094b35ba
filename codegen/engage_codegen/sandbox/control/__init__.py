"""What tests use beside the API: options, faults, clock, contacts, keys, arrivals, request log."""
