"""The client of the bridge protocol: connection, session, pairing, running operations."""
