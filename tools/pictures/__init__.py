"""The pictures that the bot shows: drawings as SVG, and how they become PNG files."""
