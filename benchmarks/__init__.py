"""How fast and how small the functions are, beside others that do the same work."""
