"""What every generated module shares. Private: import from the package itself."""
