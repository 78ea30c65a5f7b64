"""No memory of the server in a file."""

import subprocess
import sys

_SHOW = """
import ctypes, resource
from bot.cli import main

def show(**_):
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
    return 0

main._run_command = show
main.main()
"""


def test_every_command_of_the_server_forbids_core_dumps() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", _SHOW, "run"], capture_output=True, text=True, check=False
    )
    assert shown.stdout == "(0, 0) 0\n", shown.stderr
