"""How the answers of a tenant are read: for each option, the only value that predicts them."""
