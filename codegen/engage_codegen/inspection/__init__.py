"""Looking at schemas, packages and code: comparisons, call sites, explanations, preflight."""
