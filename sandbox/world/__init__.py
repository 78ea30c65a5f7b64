"""The state of the sandbox: accounts, chats, messages, files, updates, pending queries."""
