"""Formatting of amounts of money."""

_CENTS = 100


def format_amount(amount: int, currency: str) -> str:
    """Format an amount in the currency's smallest unit: 27800 TWD as ``NT$278``."""
    whole, cents = divmod(amount, _CENTS)
    number = f"{whole:,}" if not cents else f"{whole:,}.{cents:02}"
    return f"NT${number}" if currency == "TWD" else f"{number} {currency}"
