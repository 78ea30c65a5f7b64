"""FAQ handlers: free-text questions, browsing, inline mode, votes."""
