"""Run the built package on this machine, without Docker."""
