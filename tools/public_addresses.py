"""A connector that opens connections to public addresses only, for addresses that people type in.

The check stands where a socket is made, on the very address it will connect to: names, literal addresses, redirects and
names that change their address between two look-ups (DNS rebinding) all come by there.
"""

import ipaddress
import socket

from aiohttp.connector import AddrInfoType

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that carry an IPv4 address in their last 32 bits (RFC 6052)."""
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "fec0::/10", "3fff::/20"))
)
"""What Python 3.11 takes for public: protocols (and a cloud's metadata), 6to4, Azure's host, site-local, examples."""


class PrivateAddressError(OSError):
    """The address is not a public one; nothing was sent to it."""


def public_socket(address: AddrInfoType) -> socket.socket:
    """aiohttp's `socket_factory`: a socket for a public address, PrivateAddressError for any other."""
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PrivateAddressError("not a public address")
    return socket.socket(family=family, type=kind, proto=protocol)


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the internet at large, not of this machine, a local network or a cloud."""
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(one, ipaddress.IPv6Address):
        inner = one.ipv4_mapped or one.sixtofour or (one.teredo[1] if one.teredo else None)
        if inner is None and one in _NAT64:
            inner = ipaddress.IPv4Address(int(one) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    if any(one in network for network in _NOT_PUBLIC):
        return False
    return one.is_global and not (one.is_multicast or one.is_reserved or one.is_unspecified)
