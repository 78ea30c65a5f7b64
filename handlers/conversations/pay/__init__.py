"""Pay the card fee (線上繳費)."""
