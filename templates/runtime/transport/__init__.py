"""The HTTP library, the rate limiter, the clock and the observer."""
