"""The parameters of every method, with anything undocumented refused."""
