"""What a person sees: views, texts, dates, callback data, deletion of messages."""
