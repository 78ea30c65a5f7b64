"""The conversations in which the embedded authority carries operations out.

One file a conversation; `declared` puts them together.
"""
