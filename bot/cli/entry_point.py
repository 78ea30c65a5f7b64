"""The command `kaika` before anything is loaded that an extra of the package brings."""

import sys

from bot.cli import json_output, missing_extras


def main() -> None:
    """Run the command line; where its extra is not installed, say so in a line."""
    try:
        from bot.cli import main as command_line

        command_line.main()
    except ModuleNotFoundError as error:
        advice = missing_extras.advice(error)
        if advice is None:
            raise
        if "--json" in sys.argv[1:]:
            json_output.write_json({"error": "not_installed", "message": advice})
        else:
            sys.stderr.write(f"✗ {advice}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
