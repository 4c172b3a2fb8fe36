"""Check which URLs, addresses and files are allowed, and which URLs get the key."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import re
import socket
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from langchain_fal_image.wire.config import Hosts

__all__ = [
    "AccessRefused",
    "check_address",
    "check_url",
    "compile_api_urls",
    "find_configured_origins",
    "parse_origin",
    "resolve_path",
]

Origin = tuple[str, str, int]

_PORTS = {"http": 80, "https": 443}
_LOCAL_NAMES = frozenset(
    {"localhost", "ip6-localhost", "ip6-loopback", "broadcasthost"}
)
_LOCAL_SUFFIXES = (
    ".localhost",
    ".local",
    ".localdomain",
    ".internal",
    ".intranet",
    ".lan",
    ".home",
    ".corp",
    ".private",
    ".home.arpa",
    ".arpa",
)
_FORBIDDEN_IN_URLS = re.compile(r"[\x00-\x20\\\x7f]")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Cloud-internal or deprecated networks that some Pythons report as `is_global`.
_INTERNAL_NETWORKS = tuple(
    map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "fec0::/10"))
)


class AccessRefused(Exception):  # noqa: N818 - turned into an error of the package by callers
    """A URL, an address or a path that is not allowed; the message says why."""


def parse_origin(url: str) -> Origin:
    """Return scheme, host and port of a URL.

    Raises:
        AccessRefused: It is not an http(s) URL.
    """
    parts = _parse_url(url)
    try:
        port = parts.port
    except ValueError as error:
        message = "its port is not a number from 0 to 65535"
        raise AccessRefused(message) from error
    host = _normalize_host(parts)
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


@functools.lru_cache
def find_configured_origins(hosts: Hosts) -> frozenset[Origin]:
    """Return the origins that the developer configured in place of fal's own.

    Requests and downloads may use them even at private addresses.
    """
    defaults = set(Hosts().urls())
    return frozenset(parse_origin(url) for url in hosts.urls() if url not in defaults)


@functools.lru_cache
def compile_api_urls(hosts: Hosts) -> re.Pattern[str]:
    """Return the pattern that the URLs of fal's API match in full.

    Only these receive the key. A user name in the URL would replace the key, so the
    pattern allows none.
    """
    origins = []
    for url in hosts.api_urls():
        with contextlib.suppress(AccessRefused):
            scheme, host, port = parse_origin(url)
            name = re.escape(f"[{host}]" if ":" in host else host)
            suffix = f"(:{port})?" if port == _PORTS[scheme] else f":{port}"
            origins.append(rf"{scheme}://{name}\.?{suffix}")
    any_origin = "|".join(origins) or "(?!)"
    path = r"[/?#][^\x00-\x20\\\x7f]*"
    return re.compile(f"({any_origin})({path})?", re.IGNORECASE)


def check_url(url: str, *, trusted: Collection[Origin] = ()) -> None:
    """Check a URL without resolving its host, before it is fetched or sent to fal.

    Args:
        url: A URL from a model, a user or a response.
        trusted: Origins that may be private.

    Raises:
        AccessRefused: It is not http(s), has a user name, or leads to this machine or
            a private network.
    """
    parts = _parse_url(url)
    origin = parse_origin(url)
    if parts.username is not None or parts.password is not None:
        message = "it contains a user name or password"
        raise AccessRefused(message)
    if origin in trusted:
        return
    host = origin[1]
    literal = _parse_literal(host)
    if literal is not None:
        check_address(literal)
        return
    if host in _LOCAL_NAMES or host.endswith(_LOCAL_SUFFIXES) or "." not in host:
        message = f"{host!r} is a name inside a private network"
        raise AccessRefused(message)


def check_address(
    address: str | ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Check the IP address of a connection.

    Raises:
        AccessRefused: It is not a public address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError as error:
        message = f"{address!r} is not an IP address"
        raise AccessRefused(message) from error
    for each in _find_targets(ip):
        is_private = not each.is_global or each.is_multicast or each.is_reserved
        if is_private or any(each in network for network in _INTERNAL_NETWORKS):
            message = f"{ip} is not a public address"
            raise AccessRefused(message)


def _find_targets(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses that a connection may reach: embedded IPv4 addresses too."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    inner = [ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        return [each for each in inner if each]
    return [ip, *(each for each in inner if each)]


def resolve_path(path: str | os.PathLike[str], *, allowed_dirs: Iterable[Path]) -> Path:
    """Resolve the path of a local file that may be read.

    Args:
        path: A path from a model or a user; symlinks are resolved before the check.
        allowed_dirs: Resolved directories whose files may be read.

    Returns:
        The resolved file.

    Raises:
        AccessRefused: It is outside of these directories, or not a file. The message
            names no directory.
    """
    allowed = tuple(allowed_dirs)
    if not allowed:
        message = "it is not a URL, and no directory is allowed for local files"
        raise AccessRefused(message)
    try:
        resolved = Path(path).resolve()
        is_inside = any(resolved.is_relative_to(each) for each in allowed)
        is_file = is_inside and resolved.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        # Only the reason: a chat model may read it, and the rest contains the path.
        reason = getattr(error, "strerror", None) or "it is not a path"
        message = f"the path cannot be resolved ({reason})"
        raise AccessRefused(message) from error
    if not is_inside:
        message = "it is not below an allowed directory"
        raise AccessRefused(message)
    if not is_file:
        message = (
            "it is a directory" if resolved.is_dir() else "the file does not exist"
        )
        raise AccessRefused(message)
    return resolved


def _parse_url(url: str) -> SplitResult:
    if _FORBIDDEN_IN_URLS.search(url):
        message = "it contains spaces, control characters or backslashes"
        raise AccessRefused(message)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        message = "it is not a URL"
        raise AccessRefused(message) from error
    if parts.scheme not in _PORTS:
        message = f"its scheme {parts.scheme!r} is not http or https"
        raise AccessRefused(message)
    if not parts.hostname:
        message = "it has no host"
        raise AccessRefused(message)
    return parts


def _normalize_host(parts: SplitResult) -> str:
    # Convert full-width digits and other look-alikes as a resolver does.
    host = unicodedata.normalize("NFKC", parts.hostname or "").lower().rstrip(".")
    name, percent, _ = host.partition("%")
    if percent and ":" not in name:
        # Only an IPv6 address may contain a %, before its zone. In a name it would
        # hide the rest of the name from this check, but not from the resolver.
        message = f"{host!r} is not a host name"
        raise AccessRefused(message)
    return name


def _parse_literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError as error:
            message = f"{host!r} is not an IP address"
            raise AccessRefused(message) from error
    try:
        # Accepts the forms of resolvers: 127.1, 0x7f000001, 0177.0.0.1, 2130706433.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
