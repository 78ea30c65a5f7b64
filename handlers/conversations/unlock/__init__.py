"""Unlock the card (鎖卡解碼)."""
