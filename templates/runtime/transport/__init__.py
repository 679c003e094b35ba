"""HTTP, the rate limiter, the clock and the observer."""
