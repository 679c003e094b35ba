"""Model -> texts."""
