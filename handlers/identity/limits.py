"""How long conversations that ask for secrets wait."""

from datetime import timedelta

SECRET_TIMEOUT = timedelta(hours=1)
"""At one step. What is kept on the way is sealed, and yet need not lie about for days."""
CODE_VISIBLE_FOR = timedelta(seconds=60)
"""How long a code that was given back stays in the chat."""
