"""Who stands behind the conversations: the port, the guide, and the embedded authority."""
