"""Status of application and certificate (查詢進度)."""
