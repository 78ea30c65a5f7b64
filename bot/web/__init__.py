"""The public and the loopback listener, and the routes they serve."""
