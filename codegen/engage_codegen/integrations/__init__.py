"""Where the tool is used: build backends, and what `init` puts into a repository."""
