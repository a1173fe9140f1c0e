"""How routes stand in the application: each by itself, and the hottest of them without what they do not use."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.problem_handlers import pointer_of
from shared.problems import FieldError, Unprocessable

Plain = Callable[[Request], Awaitable[Response] | None]


def add_routes(
    app: FastAPI, router: APIRouter, *, prefix: str = "", responses: Mapping[int | str, dict[str, Any]] | None = None
) -> None:
    """Each route of the router for itself: an included router is matched twice for every request.

    Every route refuses parameters that it does not have.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route} is no route of a request for JSON")
        app.router.add_api_route(
            prefix + route.path,
            route.endpoint,
            response_model=route.response_model,
            status_code=route.status_code,
            tags=route.tags,
            dependencies=route.dependencies,
            summary=route.summary,
            description=route.description,
            response_description=route.response_description,
            responses={**(responses or {}), **route.responses},
            deprecated=route.deprecated,
            methods=route.methods,
            operation_id=route.operation_id,
            response_model_exclude_none=route.response_model_exclude_none,
            include_in_schema=route.include_in_schema,
            response_class=route.response_class,
            name=route.name,
            route_class_override=type(route),
            openapi_extra=route.openapi_extra,
        )
        added = app.router.routes[-1]
        assert isinstance(added, APIRoute)
        added.app = _known_only(added)


class HotRoute(APIRoute):
    """A route that is described and checked like any other, but whose plain requests skip the resolving of parameters.

    The endpoint of such a route carries `plain`, set by the decorator of that name: a function of the bare request
    that gives the answer, or none where the request has something to resolve. Then the ordinary handler takes over,
    so that whatever is wrong with a request is said in the same words as everywhere.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        self.app = _plain_first(endpoint.plain, self.app)  # type: ignore[attr-defined]


def plain(answer: Plain) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give an endpoint of a HotRoute the way of its plain requests."""

    def mark(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        endpoint.plain = answer  # type: ignore[attr-defined]
        return endpoint

    return mark


def _known_only(route: APIRoute) -> ASGIApp:
    """The route, unless a parameter of the query is unknown to it: a filter with a slip would list everything."""
    answer = route.app
    known = sorted(
        field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, params.Query)
    )
    there = ", ".join(known)
    wording = {
        "vi": f"Tham số không được hỗ trợ; có thể dùng: {there}." if there else "Lời gọi này không có tham số nào.",
        "en": f"There is no such parameter; there are: {there}." if there else "This call has no parameters.",
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"]:
            unknown = [name for name in QueryParams(scope["query_string"]) if name not in known]
            if unknown:
                raise Unprocessable(
                    errors=[FieldError(pointer_of(("query", name)), "unknown_parameter", wording) for name in unknown]
                )
        await answer(scope, receive, send)

    return app


def _plain_first(answer: Plain, ordinary: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answered = answer(Request(scope, receive, send))
        if answered is None:
            await ordinary(scope, receive, send)
        else:
            response = await answered
            await response(scope, receive, send)

    return app
