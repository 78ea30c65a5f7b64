"""The process: settings, command line, incoming updates, outgoing calls, listeners, jobs."""

import os

# PTB gives times as timedelta instead of int, which it is about to do anyway.
os.environ.setdefault("PTB_TIMEDELTA", "1")
