"""htmx: parts for it, whole pages for browsers. The only module that reads or writes HX- headers."""

from http import HTTPStatus

from flask import Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse


def is_htmx() -> bool:
    """Whether htmx asks for a part (it asks for whole pages when it restores history)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def render(page: str, part: str | None = None, /, **values: object) -> Response:
    """`page` for a browser, `part` for htmx; caches are told that the two differ."""
    html = render_template(part if part and is_htmx() else page, **values)
    return respond(html, has_part=part is not None)


def respond(html: str, *, has_part: bool) -> Response:
    """What is rendered, with what it varies by; `has_part`: htmx gets something else."""
    response = make_response(html)
    response.headers["Vary"] = "Accept-Language, Cookie" + (", HX-Request" if has_part else "")
    return response


def see_other(address: str) -> BaseResponse:
    """303 to one of our own addresses, after a form."""
    return redirect(address, code=HTTPStatus.SEE_OTHER)


def go_to(address: str) -> BaseResponse:
    """Send the whole window to `address`, whether a browser or htmx asks."""
    if is_htmx():
        return Response(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
    return see_other(address)


def replace_page(response: Response) -> Response:
    """Let htmx put a whole page in place of the one it is on, and not into a part of it."""
    if is_htmx():
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def as_message(response: Response) -> Response:
    """Let htmx show the answer in the page's place for messages (`#message` in base.html), and
    leave the part that asked, and the address, as they are."""
    response.headers["HX-Retarget"] = "#message"
    response.headers["HX-Reswap"] = "innerMorph"
    response.headers["HX-Push-Url"] = "false"
    return response
