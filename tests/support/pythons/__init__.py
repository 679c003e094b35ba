"""Programs that tests run with other Pythons than their own."""
