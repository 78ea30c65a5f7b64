"""Status of application and certificate."""
