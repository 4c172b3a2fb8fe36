"""Proxies that the environment configures."""

from __future__ import annotations

import contextlib
import ipaddress
import urllib.request
from collections.abc import Callable
from typing import Any

__all__ = ["find_proxy_mounts"]


def find_proxy_mounts(make_transport: Callable[[str], Any]) -> dict[str, Any]:
    """Return httpx mounts for the environment's proxies; empty without proxies.

    A proxy resolves the hosts of the requests that it forwards, so their addresses are
    not checked. All other requests, such as `https` if only `http_proxy` is set, or
    those to a host in `no_proxy`, are not mounted and are still checked.

    Args:
        make_transport: Makes the transport for a proxy's URL.
    """
    proxies = urllib.request.getproxies()
    direct_hosts = [each.strip() for each in proxies.get("no", "").split(",")]
    if "*" in direct_hosts:
        return {}
    mounts: dict[str, Any] = {
        f"{scheme}://": make_transport(url if "://" in url else f"http://{url}")
        for scheme in ("http", "https", "all")
        if (url := proxies.get(scheme))
    }
    return mounts | {_to_pattern(host): None for host in direct_hosts if host}


def _to_pattern(host: str) -> str:
    """Return an entry of `no_proxy` in the syntax of httpx's mounts."""
    if "://" in host:
        return host
    with contextlib.suppress(ValueError):
        literal = ipaddress.ip_address(host.partition("/")[0])
        is_ipv6 = isinstance(literal, ipaddress.IPv6Address)
        return f"all://[{host}]" if is_ipv6 else f"all://{host}"
    return f"all://{host}" if host.lower() == "localhost" else f"all://*{host}"
