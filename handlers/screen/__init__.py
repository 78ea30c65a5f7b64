"""Messages as a person sees them: views, texts, dates, callback data, deletion."""
