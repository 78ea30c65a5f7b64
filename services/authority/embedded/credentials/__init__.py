"""Subscriber codes, one-time codes, grants, and their verification."""
