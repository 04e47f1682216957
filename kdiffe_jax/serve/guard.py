"""What stands before the API: whose requests are taken, how large they are, and the headers."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kdiffe_jax.serve.bounds import Bounds
from kdiffe_jax.serve.failures import failure

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Guard:
    """Refuses foreign host names and long requests; adds the security headers.

    The name in the Host header is checked because a foreign page could otherwise read the
    API by giving its own name this machine's address (DNS rebinding).

    Args:
      hosts: names that a request may be sent to; None for any.
      pictures: whether the page may show pictures from other servers.
    """

    def __init__(
        self, app: ASGIApp, *, bounds: Bounds, hosts: frozenset[str] | None, pictures: bool
    ):
        self._app = app
        self._bounds = bounds
        self._hosts = hosts
        self._headers = _security_headers(pictures)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            return await failure(*refusal)(scope, receive, send_guarded)
        if scope["method"] == "HEAD":  # The server sends the headers of GET alone.
            scope = {**scope, "method": "GET"}
        await self._app(scope, self._counted(receive), send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and _without_port(host) not in self._hosts:
            return 421, (
                f"this server does not answer to the host name {host[:100]!r}; behind a proxy of "
                "that name, start it with --also_named"
            )
        if len(scope["query_string"]) > self._bounds.query:
            return 414, f"more than {self._bounds.query} bytes after the question mark"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._bounds.body:
            return 413, self._too_large
        return None

    @property
    def _too_large(self) -> str:
        return f"a body has at most {self._bounds.body} bytes"

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._bounds.body:
                raise HTTPException(413, self._too_large)
            return message

        return receive_counted


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _security_headers(pictures: bool) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' https: http:" if pictures else "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
