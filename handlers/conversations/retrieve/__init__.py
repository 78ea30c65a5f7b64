"""Retrieve the subscriber code (取回用戶代碼)."""
