"""Which host names and addresses mean this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine under a name that nobody can point elsewhere."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
