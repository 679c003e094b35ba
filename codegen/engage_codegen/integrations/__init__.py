"""The integration into projects: build hooks, and the files that `init` adds."""
