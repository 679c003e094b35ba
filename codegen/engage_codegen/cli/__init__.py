"""The command line: arguments -> Config -> verb -> report -> exit code."""
