"""Suspend the certificate (停用)."""
