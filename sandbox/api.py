"""Zoom's API under /v2: statuses, scopes, limits and error bodies.

https://developers.zoom.us/docs/api/
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox import calls, choices, faults, grants, meetings
from sandbox.clock import iso, now
from sandbox.wiring import settings, store

bp = Blueprint("api", __name__, url_prefix="/v2")
calls.watch(bp, "api")

# Zoom's own words: https://devforum.zoom.us/t/18928 for the daily limit.
DAILY = (
    "You have exceeded the daily rate limit ({}) of Meeting Create/Update API requests"
    " permitted for this particular user. You may resume these requests at GMT 00:00:00."
)
SECONDLY = "You have reached the maximum per-second rate limit for this API. Try again later."
NOT_ALLOWED = "Your user account is not allowed meeting hosting and scheduling capabilities."
ILL = "<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"
# What each call needs: the granular scope, or the classic one; either may end in `:admin`.
NEEDED = {
    "api.create_meeting": ("meeting:write:meeting", "meeting:write"),
    "api.list_meetings": ("meeting:read:list_meetings", "meeting:read"),
    "api.show_meeting": ("meeting:read:meeting", "meeting:read"),
    "api.change_meeting": ("meeting:update:meeting", "meeting:write"),
    "api.delete_meeting": ("meeting:delete:meeting", "meeting:write"),
    "api.show_me": ("user:read:user", "user:read"),
}
FIREWALL = "<html><head><title>Forbidden</title></head><body><h1>Access denied</h1></body></html>"


class Refusal(Exception):
    """An answer with Zoom's code and words instead of the one asked for."""

    def __init__(self, status: int, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message}
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@bp.before_request
def admit() -> ResponseReturnValue | None:
    """Faults first, then the token, then its scopes."""
    if g.fault and (failure := ordered_failure(g.fault)):
        return failure
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, 124, "Invalid access token.")
    try:
        bearer = grants.bearer(store, token.strip())
    except grants.BadBearer as error:
        raise Refusal(401, error.code, error.message) from None
    g.person = bearer.person
    needed = NEEDED[request.endpoint or ""]
    if not {scope.removesuffix(":admin") for scope in bearer.scopes}.intersection(needed):
        raise scope_missing()
    return None


@bp.post("/users/me/meetings")
def create_meeting() -> ResponseReturnValue:
    body = json_body()
    meetings.check(body, is_new=True)
    if "timezone" in body and faults.take(store, "timezone"):
        raise meetings.Invalid({"timezone": "Invalid time zone."})
    meetings.count_write(store, g.person, choices.current(store).daily_limit)
    meeting = meetings.create(store, g.person, body)
    g.fault = faults.take(store, "create") or g.fault
    answer = meetings.as_answer(meeting, settings)
    if g.fault and g.fault.kind == "no-join-url":
        del answer["join_url"]
    return jsonify(answer), 201


@bp.get("/users/me/meetings")
def list_meetings() -> ResponseReturnValue:
    """`next_page_token` is an offset here; Zoom says no more than that it is opaque."""
    size = min(request.args.get("page_size", 30, type=int), 300)
    offset = request.args.get("next_page_token", 0, type=int)
    found = meetings.of_person(store, g.person, size + 1, offset)
    return jsonify(
        page_size=size,
        next_page_token=str(offset + size) if len(found) > size else "",
        meetings=[meetings.as_listed(row, settings) for row in found[:size]],
    )


@bp.get("/meetings/<int:meeting_id>")
def show_meeting(meeting_id: int) -> ResponseReturnValue:
    return jsonify(meetings.as_answer(own_meeting(meeting_id), settings))


@bp.patch("/meetings/<int:meeting_id>")
def change_meeting(meeting_id: int) -> ResponseReturnValue:
    meeting = own_meeting(meeting_id)
    body = json_body()
    meetings.check(body, is_new=False)
    meetings.count_write(store, g.person, choices.current(store).daily_limit)
    meetings.change(store, meeting, body)
    return "", 204


@bp.delete("/meetings/<int:meeting_id>")
def delete_meeting(meeting_id: int) -> ResponseReturnValue:
    meetings.delete(store, own_meeting(meeting_id))
    return "", 204


@bp.get("/users/me")
def show_me() -> ResponseReturnValue:
    first, _, last = g.person.name.partition(" ")
    return jsonify(
        id=g.person.user_id,
        account_id=g.person.account_id,
        email=g.person.email,
        first_name=first,
        last_name=last,
        display_name=g.person.name,
        type=1,
        timezone="Asia/Tokyo",
        status="active",
    )


@bp.errorhandler(Refusal)
def refuse(refusal: Refusal) -> ResponseReturnValue:
    return jsonify(refusal.body), refusal.status, refusal.headers


@bp.errorhandler(meetings.Invalid)
def refuse_fields(invalid: meetings.Invalid) -> ResponseReturnValue:
    errors = [{"field": name, "message": words} for name, words in invalid.fields.items()]
    return jsonify(code=300, message="Validation Failed.", errors=errors), 400


@bp.errorhandler(meetings.DailyLimit)
def refuse_more_today(_: meetings.DailyLimit) -> ResponseReturnValue:
    """Zoom sends no Retry-After here, only the words."""
    return jsonify(code=429, message=DAILY.format(choices.current(store).daily_limit)), 429


def ordered_failure(fault: faults.Fault) -> ResponseReturnValue | None:
    """The failure in place of an answer; None for a fault that comes after the work."""
    match fault.kind:
        case "401":
            raise Refusal(401, 124, "Invalid access token.")
        case "scope-missing":
            raise scope_missing()
        case "401-scope":
            raise scope_missing(status=401)
        case "403-page":
            return FIREWALL, 403
        case "fields-refused":
            raise meetings.Invalid({"topic": "Not allowed here.", "duration": "Too long."})
        case "not-allowed":
            raise Refusal(400, 3161, NOT_ALLOWED)
        case "user-gone":
            raise Refusal(404, 1001, "User does not exist.")
        case "429-daily":
            if fault.seconds is None:
                raise Refusal(429, 429, DAILY.format(100))
            # Zoom's documentation writes this header as a date of RFC 3339, not of HTTP.
            raise Refusal(429, 429, DAILY.format(100), Retry_After=iso(now() + fault.seconds))
        case "429-second":
            if fault.seconds is None:
                raise Refusal(429, 429, SECONDLY)
            raise Refusal(429, 429, SECONDLY, Retry_After=f"{fault.seconds:.0f}")
        case "500":
            return ILL, 500
    return None


def scope_missing(status: int = 400) -> Refusal:
    scope = NEEDED[request.endpoint or ""][0]
    return Refusal(status, 4711, f"Invalid access token, does not contain scopes:[{scope}].")


def own_meeting(meeting_id: int) -> Any:
    meeting = meetings.find(store, g.person, meeting_id)
    if meeting is None:
        raise Refusal(404, 3001, f"Meeting does not exist: {meeting_id}.")
    return meeting


def json_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, 300, "Request Body should be a valid JSON object.")
    return body
