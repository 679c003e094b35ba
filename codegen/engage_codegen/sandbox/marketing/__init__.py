"""What marketing does with interactions: contact cards, segments, automations and webhooks."""
