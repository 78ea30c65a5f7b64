"""The mechanism of conversations: declared as steps, moved and shown in one place."""
