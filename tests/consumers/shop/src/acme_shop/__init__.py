"""An online shop, built by hatchling."""
