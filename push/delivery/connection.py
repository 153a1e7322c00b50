"""How this server speaks to push services: libcurl set up once, for the sender and the doctor."""

import os
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pycurl

MAX_BODY = 4096
"""Bytes of an answer's body that are read; a service's reasons fit in a few hundred."""

MAX_CONNECTIONS = 32
"""Connections to one host. HTTP/2 needs 10 for 1,000 requests in flight (RFC 9113 §6.5.2), HTTP/1.1 one for each."""

MAX_STREAMS = 100
_KEPT_CONNECTIONS = 64

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


def certificate_bundle() -> str:
    """The file of trusted certificates: ``SSL_CERT_FILE``, else the system's, else certifi's."""
    named = os.environ.get("SSL_CERT_FILE")
    if named:
        return named
    return _installed_bundle()


@lru_cache(maxsize=1)
def _installed_bundle() -> str:
    default = ssl.get_default_verify_paths().openssl_cafile
    for path in (*_SYSTEM_BUNDLES, default):
        if path and os.path.isfile(path):
            return path
    import certifi

    return certifi.where()


def new_multi(on_socket: Callable[..., None]) -> Any:
    """A ``CurlMulti`` that multiplexes, with the callback of an event loop."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, MAX_CONNECTIONS)
    multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, MAX_STREAMS)
    multi.setopt(pycurl.M_MAXCONNECTS, _KEPT_CONNECTIONS)
    multi.setopt(pycurl.M_SOCKETFUNCTION, on_socket)
    return multi


def new_handle(plain: bool, connect_timeout: float, total_timeout: float) -> Any:
    """A handle for POSTs to push services; time-outs in seconds. Reused for many messages.

    ``plain`` is http, which is for loopback only and therefore never goes through a proxy;
    otherwise libcurl itself reads ``HTTPS_PROXY`` and ``NO_PROXY``.
    """
    handle = pycurl.Curl()
    handle.setopt(pycurl.POST, 1)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.FOLLOWLOCATION, 0)
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP if plain else pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.PATH_AS_IS, 1)
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, round(connect_timeout * 1000))
    handle.setopt(pycurl.TIMEOUT_MS, round(total_timeout * 1000))
    handle.setopt(pycurl.TCP_KEEPALIVE, 1)
    handle.setopt(pycurl.USERAGENT, "FastLinkIt")
    if plain:
        handle.setopt(pycurl.NOPROXY, "*")
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    else:
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.PIPEWAIT, 1)
        handle.setopt(pycurl.CAINFO, certificate_bundle())
        handle.setopt(pycurl.PROXY_CAINFO, certificate_bundle())
    return handle
