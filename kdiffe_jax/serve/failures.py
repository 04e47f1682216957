"""Every failure as {"error": "one line"}."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from kdiffe_jax.errors import ConfigError, DataError


def failure(status: int, message: str, headers=None) -> JSONResponse:
    """The answer to a request that cannot be served."""
    # An id may hold half of a surrogate pair, which UTF-8 cannot carry.
    text = message.encode(errors="replace").decode()
    return JSONResponse({"error": text}, status_code=status, headers=headers)


def handle_failures(app: FastAPI) -> None:
    """Registers what the app does with each kind of error."""
    app.add_exception_handler(DataError, lambda request, error: failure(404, str(error)))
    app.add_exception_handler(ConfigError, lambda request, error: failure(422, str(error)))
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(Exception, _unexpected)


def _not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    where, *inside = first["loc"]
    if first["type"] == "json_invalid":
        return failure(400, "the body is not JSON")
    if where == "body" and _has_another_kind_of_body(request):
        return failure(415, "the body is not named as JSON: send content-type: application/json")
    return failure(422, f"{'.'.join(map(str, inside)) or where}: {first['msg']}")


def _has_another_kind_of_body(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = re.fullmatch(r"application/(.+\+)?json", kind)
    return request.headers.get("content-length", "0") != "0" and not is_json


def _not_served(request: Request, error: HTTPException) -> JSONResponse:
    return failure(error.status_code, f"{request.url.path}: {error.detail}", error.headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """The server raises the error again after this answer, so its log has the traceback."""
    return failure(500, "unexpected error; the server's log says more")
