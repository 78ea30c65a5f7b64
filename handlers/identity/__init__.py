"""Steps that verify a person's identity, shared by the conversations."""
