"""Amounts of money, as people read them."""

_CENTS = 100


def written(amount: int, currency: str) -> str:
    """Give an amount in the smallest unit of its currency, such as 27800 TWD, as ``NT$278``."""
    whole, cents = divmod(amount, _CENTS)
    number = f"{whole:,}" if not cents else f"{whole:,}.{cents:02}"
    return f"NT${number}" if currency == "TWD" else f"{number} {currency}"
