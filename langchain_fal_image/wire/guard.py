"""Which hosts and files may be touched, and which get the key."""

from __future__ import annotations

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
    "find_configured_origins",
    "is_api_url",
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
_NOT_IN_URLS = re.compile(r"[\x00-\x20\\\x7f]")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Private, though not to every Python's `is_global`: clouds answer at some of these.
_INTERNAL = tuple(
    map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "fec0::/10"))
)


class AccessRefused(Exception):  # noqa: N818 - turned into an error of the package by callers
    """A URL, an address or a path that may not be touched; the text says why."""


def parse_origin(url: str) -> Origin:
    """Give scheme, host and port of a URL.

    Raises:
        AccessRefused: It is no http(s) URL.
    """
    parts = _split(url)
    try:
        port = parts.port
    except ValueError as error:
        message = "its port is not a number from 0 to 65535"
        raise AccessRefused(message) from error
    host = _host(parts)
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


@functools.lru_cache
def find_configured_origins(hosts: Hosts) -> frozenset[Origin]:
    """Give the origins that the developer put in the place of fal's own.

    They are trusted for following and downloading, also on a private address.
    """
    usual = set(Hosts().urls())
    return frozenset(parse_origin(url) for url in hosts.urls() if url not in usual)


@functools.lru_cache
def _api_origins(hosts: Hosts) -> frozenset[Origin]:
    return frozenset(parse_origin(url) for url in hosts.api_urls())


@functools.lru_cache
def _api_prefixes(hosts: Hosts) -> tuple[str, ...]:
    return tuple(f"{url}/" for url in hosts.api_urls() if "@" not in url)


def is_api_url(url: str, hosts: Hosts) -> bool:
    """Tell whether the key may go to a URL: only to the API origins in use."""
    if url.startswith(_api_prefixes(hosts)) and not _NOT_IN_URLS.search(url):
        return True  # the host is in the prefix
    try:
        is_api = parse_origin(url) in _api_origins(hosts)
    except AccessRefused:
        return False
    # A user name in the URL would take the key's place.
    return is_api and "@" not in urlsplit(url).netloc


def check_url(url: str, *, trusted: Collection[Origin] = ()) -> None:
    """Check a URL as text, before it is passed on or fetched.

    Args:
        url: What a model, a user or an answer named.
        trusted: Origins that may be private.

    Raises:
        AccessRefused: It is not http(s), has a user name, or names this machine or a
            private network.
    """
    parts = _split(url)
    where = parse_origin(url)
    if parts.username is not None or parts.password is not None:
        message = "it has a user name or password in it"
        raise AccessRefused(message)
    if where in trusted:
        return
    host = where[1]
    literal = _literal(host)
    if literal is not None:
        check_address(literal)
        return
    if host in _LOCAL_NAMES or host.endswith(_LOCAL_SUFFIXES) or "." not in host:
        message = f"{host!r} is a name inside a private network"
        raise AccessRefused(message)


def check_address(
    address: str | ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Check an address that a connection would go to.

    Raises:
        AccessRefused: It is not a public address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError as error:
        message = f"{address!r} is no address"
        raise AccessRefused(message) from error
    for each in _meant(ip):
        closed = not each.is_global or each.is_multicast or each.is_reserved
        if closed or any(each in network for network in _INTERNAL):
            message = f"{ip} is not a public address"
            raise AccessRefused(message)


def _meant(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Give an address and the IPv4 address inside it, if it carries one."""
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
    """Find a local file that may be read.

    Args:
        path: What was named; symlinks are resolved before it is judged.
        allowed_dirs: The directories below which files may be read, resolved.

    Returns:
        The resolved file.

    Raises:
        AccessRefused: It lies elsewhere, or is no file.
    """
    allowed = tuple(allowed_dirs)
    if not allowed:
        message = "it is no URL, and no directory is allowed for local files"
        raise AccessRefused(message)
    try:
        found = Path(path).resolve()
        inside = any(found.is_relative_to(each) for each in allowed)
        is_file = inside and found.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        message = f"the path cannot be resolved ({error})"
        raise AccessRefused(message) from error
    if not inside:
        names = ", ".join(map(str, allowed))
        message = f"it is not below an allowed directory ({names})"
        raise AccessRefused(message)
    if not is_file:
        message = "it is a directory" if found.is_dir() else "there is no such file"
        raise AccessRefused(message)
    return found


def _split(url: str) -> SplitResult:
    if _NOT_IN_URLS.search(url):
        message = "it has spaces, control characters or backslashes in it"
        raise AccessRefused(message)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        message = f"it is no URL ({error})"
        raise AccessRefused(message) from error
    if parts.scheme not in _PORTS:
        message = f"{parts.scheme or 'no scheme'!r} is not http or https"
        raise AccessRefused(message)
    if not parts.hostname:
        message = "it names no host"
        raise AccessRefused(message)
    return parts


def _host(parts: SplitResult) -> str:
    # Look-alikes such as full-width digits become what a resolver would see.
    host = unicodedata.normalize("NFKC", parts.hostname or "").lower().rstrip(".")
    name, percent, _ = host.partition("%")
    if percent and ":" not in name:
        # Only an IPv6 address has something after a %: its zone. In a name it would
        # hide the rest of the name from us, and not from the resolver.
        message = f"{host!r} is no host name"
        raise AccessRefused(message)
    return name


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError as error:
            message = f"{host!r} is no address"
            raise AccessRefused(message) from error
    try:
        # Takes what resolvers take: 127.1, 0x7f000001, 0177.0.0.1, 2130706433.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
