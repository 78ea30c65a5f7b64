"""The command `kaika`, one file a group of subcommands."""
