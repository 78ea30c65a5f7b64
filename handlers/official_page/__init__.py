"""What the guides through the official page have in common."""
