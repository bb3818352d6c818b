"""How often somebody may ask; counted in the cache that all processes share."""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network

import redis
import structlog
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest

log = structlog.get_logger(__name__)
WINDOW = 60
#: Bits of an IPv6 address that one customer is known by.
CUSTOMER = 64


def seconds_to_wait(what: str, who: str, limit: int) -> int:
    """Count a request; 0 if it may go on, else how long until the next minute begins.

    Where the cache cannot be reached nothing is refused: a limit must not take a page down.
    """
    now = time.time()
    key = f"rate:{what}:{who}:{int(now // WINDOW)}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        number = cache.incr(key)
    except ValueError:  # the key ran out between the two calls
        return 0
    except (redis.RedisError, OSError) as error:
        log.warning("requests are not counted", error=str(error))
        return 0
    return 0 if number <= limit else max(1, int(WINDOW - now % WINDOW) + 1)


def address_of(request: HttpRequest) -> str:
    """The address a request comes from, as far as the proxies in front can be believed.

    Of IPv6 it is the network: one customer has 2^64 addresses there.
    """
    address = str(get_adapter(request).get_client_ip(request))
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((found, CUSTOMER), strict=False))
