"""The optional parts of the process, put together: embedded authority and bridge hub."""
