"""The interactions API: its endpoints, request and response bodies, rules and rate limit."""
