"""The conversations, one package each: in guide mode (``guide``) and carried out (``online``)."""
