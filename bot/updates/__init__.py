"""How updates reach the handlers: polling, intake, and the order in which they are processed."""
