"""The process: settings, command line, the way of updates in and calls out, the sandbox."""

import os

# PTB gives times as timedelta instead of int, which it is about to do anyway.
os.environ.setdefault("PTB_TIMEDELTA", "1")
