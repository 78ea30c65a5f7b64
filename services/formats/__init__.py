"""Formats of typed input: normalisation and validation."""
