"""The certificate authority: its key, issuing, revocation lists and OCSP."""
