"""Hosts and addresses, and the entries that allow them. Pure: nothing is looked up here.

A name has one form here: lower case, ASCII (IDNA), without a trailing dot; an address is as `ipaddress` writes it. What
other programs would read as an address ("127.1", "0x7f.1") is refused, so that no name hides one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from engine.gateway.errors import BadHost

HTTPS = 443
MAX_NAME, MAX_PORT = 253, 65_535
_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_SITE = ipaddress.IPv6Network("fec0::/10")  # no longer meant for anything, and said to be global
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Endpoint(NamedTuple):
    """A host in its one form, or `*` and `*.DOMAIN` in an entry, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{shown(self.host)}:{self.port}"


def host(text: str) -> str:
    """The one form of a name or an address; IPv6 may have brackets. Raises BadHost."""
    if text.startswith("[") and text.endswith("]"):
        return _ipv6(text[1:-1])
    if text.count(":") > 1:
        return _ipv6(text)
    name = _ascii(text).lower().removesuffix(".")
    if len(name) > MAX_NAME or _NAME.fullmatch(name) is None:
        raise BadHost("it is no name")
    if _NUMBER.fullmatch(name.rpartition(".")[2]) is None:
        return name
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        raise BadHost("an address has four numbers, 0 to 255, without leading zeros") from None


def endpoint(text: str, default: int | None = None) -> Endpoint:
    """`HOST:PORT`, or `HOST` where there is a default port. Raises BadHost."""
    name, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in name and not name.startswith("[")):  # no port; bare IPv6
        name, port = text, "" if default is None else str(default)
    if re.fullmatch("[0-9]{1,5}", port) is None or not 0 < int(port) <= MAX_PORT:
        raise BadHost("its port is no number from 1 to 65535")
    return Endpoint(host(name), int(port))


@lru_cache(maxsize=1024)
def entry(text: str) -> Endpoint:
    """One entry of a list of allowed hosts, port 443 where it names none. Raises BadHost."""
    if text == "*" or text.startswith("*:"):
        return Endpoint("*", endpoint(f"any{text[1:]}", HTTPS).port)
    if text.startswith("*."):
        domain = endpoint(text[2:], HTTPS)
        if _address(domain.host) is not None:
            raise BadHost("addresses have no wildcards")
        return Endpoint(f"*.{domain.host}", domain.port)
    return endpoint(text, HTTPS)


def admits(entries: Iterable[str], asked: Endpoint) -> bool:
    """Whether one of the entries names that host and port. `*.DOMAIN` means what is below it, not the domain itself."""
    return any(one.port == asked.port and _names(one.host, asked.host) for one in _read(entries))


def closed(entries: Iterable[str], asked: Endpoint, address: IPAddress) -> str:
    """Why that address of an admitted host is not connected to; "" if it is.

    What is not a public address needs an entry that is this very address, or `localhost` for this machine.
    """
    real = _inner(address)
    if real.is_multicast or real.is_unspecified or real.is_link_local or _reserved(real):
        return f"{address} is never connected to"
    if real.is_global and real not in _SITE:
        return ""
    named = {one.host for one in _read(entries) if one.port == asked.port}
    if str(real) in named or (real.is_loopback and asked.host == "localhost" and "localhost" in named):
        return ""
    return f'it is {address}, not a public address: only an entry "{Endpoint(str(real), asked.port)}" allows that'


def shown(name: str) -> str:
    """A host as it stands before a port: IPv6 in brackets."""
    return f"[{name}]" if ":" in name else name


def literal(name: str) -> IPAddress | None:
    """The address that a host in its one form is, None for a name."""
    return _address(name)


def _address(name: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise BadHost("it is no IPv6 address") from None
    if address.scope_id is not None:
        raise BadHost("an address names no interface here")
    return str(address.ipv4_mapped or address)


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadHost("its letters have no form in the DNS") from None


def _names(pattern: str, name: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and _address(name) is None
    return pattern == name


def _read(entries: Iterable[str]) -> Iterable[Endpoint]:
    """The usable entries: the settings refuse others, and here they allow nothing."""
    for text in entries:
        try:
            yield entry(text)
        except BadHost:
            continue


def _inner(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, or itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _reserved(address: IPAddress) -> bool:
    return address.is_reserved and not address.is_loopback  # ::1 lies in a reserved block
