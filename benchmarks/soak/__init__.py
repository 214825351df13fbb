"""One container a function, and 100,000 requests of every kind that it gets in production."""
