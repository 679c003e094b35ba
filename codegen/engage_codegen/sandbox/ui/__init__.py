"""The HTML pages under `/_sandbox/ui`: routes, views, templates and style sheet."""
