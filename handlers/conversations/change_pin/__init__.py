"""Change the PIN (修改PIN碼)."""
