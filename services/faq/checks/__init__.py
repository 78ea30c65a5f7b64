"""What must be true of the FAQ, besides the form of its files."""
