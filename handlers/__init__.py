"""Conversations: an update in, a service call, a view out. One file a conversation."""
