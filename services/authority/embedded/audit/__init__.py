"""The audit trail and the hooks that run after a commit."""
