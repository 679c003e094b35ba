"""Commands that are more than one stage, a module or folder for each."""
