"""The certificate authority: its key, its certificates, and what it publishes of them."""
