"""The command `kaika` before anything is loaded that an extra of the package brings."""

import sys

from bot import extras, json_output


def main() -> None:
    """Run the command line; where its extra is not installed, say so in a line."""
    try:
        from bot import cli

        cli.main()
    except ModuleNotFoundError as error:
        told = extras.advice(error)
        if told is None:
            raise
        if "--json" in sys.argv[1:]:
            json_output.write({"error": "not_installed", "message": told})
        else:
            sys.stderr.write(f"✗ {told}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
