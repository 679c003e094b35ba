"""What a schema means: schemas -> the model that the templates render."""
