"""`make sweep`: what each function gives at each memory size, under Lambda's share of processor."""
