"""The fault panel, and the JSON addresses by which tests steer and watch the sandbox."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from sandbox import calls, choices, faults, grants, mailbox, meetings, webhooks
from sandbox.clock import iso
from sandbox.people import named
from sandbox.wiring import courier, settings, store

bp = Blueprint("controls", __name__)


@bp.get("/faults")
def panel() -> ResponseReturnValue:
    return show_panel()


@bp.post("/faults")
def order_by_form() -> ResponseReturnValue:
    """Fields kind, count, seconds. :raises 422: see the words on the page."""
    form = request.form
    try:
        seconds = float(form["seconds"]) if form.get("seconds", "").strip() else None
        faults.order(store, form.get("kind", ""), int(form.get("count", "1")), seconds)
    except faults.BadFault as error:
        return show_panel(str(error)), 422
    except ValueError:
        return show_panel("count and seconds must be numbers"), 422
    return redirect(url_for("controls.panel"), 303)


@bp.post("/faults/clear")
def clear_by_form() -> ResponseReturnValue:
    faults.clear(store)
    return redirect(url_for("controls.panel"), 303)


@bp.post("/settings")
def choose_by_form() -> ResponseReturnValue:
    """Fields expires_in, daily_limit, scopes (repeated), data_retention. :raises 422: see the page."""
    try:
        choices.choose(store, chosen_in(request.form))
    except (choices.BadChoice, ValueError) as error:
        return show_panel(str(error)), 422
    return redirect(url_for("controls.panel"), 303)


@bp.get("/api/faults")
def list_faults() -> ResponseReturnValue:
    return jsonify(faults.waiting(store))


@bp.post("/api/faults")
def order() -> ResponseReturnValue:
    """{"kind", "count": 1, "seconds": null} → 201 with all waiting faults. :raises 422:"""
    body = json_object()
    faults.order(store, str(body.get("kind")), body.get("count", 1), body.get("seconds"))
    return jsonify(faults.waiting(store)), 201


@bp.delete("/api/faults")
def clear() -> ResponseReturnValue:
    faults.clear(store)
    return "", 204


@bp.get("/api/settings")
def show_settings() -> ResponseReturnValue:
    return jsonify(choices.as_json(choices.current(store)))


@bp.post("/api/settings")
def choose() -> ResponseReturnValue:
    """Any of the settings → all of them. :raises 422:"""
    return jsonify(choices.as_json(choices.choose(store, json_object())))


@bp.get("/api/meetings")
def list_meetings() -> ResponseReturnValue:
    """Live meetings, oldest first; with `?all=1` the deleted ones too."""
    rows = store.rows(
        "SELECT * FROM meetings WHERE deleted_at IS NULL OR ? ORDER BY created_at, id",
        request.args.get("all", "") not in ("", "0"),
    )
    return jsonify(
        [
            {
                **meetings.as_answer(row, settings),
                "user": row["person"],
                "deleted": row["deleted_at"] is not None,
                "changed_at": iso(row["changed_at"]),
            }
            for row in rows
        ]
    )


@bp.get("/api/calls")
def list_calls() -> ResponseReturnValue:
    return jsonify(calls.recent(store))


@bp.delete("/api/calls")
def forget_calls() -> ResponseReturnValue:
    calls.forget(store)
    return "", 204


@bp.get("/api/webhooks")
def list_webhooks() -> ResponseReturnValue:
    return jsonify(webhooks.deliveries(store))


@bp.post("/api/uninstall")
def uninstall() -> ResponseReturnValue:
    """{"user": "aya"} → {"removed": true}, as Remove on the Marketplace. :raises 422:"""
    person = named(str(json_object().get("user", "")))
    if person is None:
        raise choices.BadChoice("user must be a name such as aya")
    removed = grants.uninstall(store, person)
    if removed:
        courier.send("app_deauthorized", webhooks.deauthorized(settings, store, person))
    return jsonify(removed=removed)


@bp.post("/api/url-validation")
def validate_url() -> ResponseReturnValue:
    """Run the validation now → {"valid", "status", "words"}."""
    verdict = courier.validate_url()
    return jsonify(valid=verdict.valid, status=verdict.status, words=verdict.words)


@bp.get("/api/mails")
def list_mails() -> ResponseReturnValue:
    """Newest first; `?to=` keeps one envelope recipient's."""
    found = mailbox.newest(store, request.args.get("to", "").strip(), limit=5000)
    return jsonify([mailbox.as_json(mail) for mail in found])


@bp.delete("/api/mails")
def empty_mailbox() -> ResponseReturnValue:
    mailbox.empty(store)
    return "", 204


@bp.post("/api/reset")
def reset() -> ResponseReturnValue:
    """Forget everything: grants, meetings, mails, faults, settings, logs."""
    store.forget_everything()
    return "", 204


@bp.errorhandler(faults.BadFault)
@bp.errorhandler(choices.BadChoice)
def refuse(error: Exception) -> ResponseReturnValue:
    return jsonify(error=str(error)), 422


def show_panel(complaint: str = "") -> str:
    return render_template(
        "faults.html",
        complaint=complaint,
        kinds=faults.KINDS,
        waiting=faults.waiting(store),
        chosen=choices.current(store),
        retentions=choices.RETENTIONS,
        scopes=choices.SCOPES,
        calls=calls.recent(store)[:-31:-1],
    )


def chosen_in(form: MultiDict[str, str]) -> dict[str, Any]:
    """Settings out of the panel's form. Raises ValueError where a number is none."""
    return {
        "expires_in": int(form.get("expires_in", "")),
        "daily_limit": int(form.get("daily_limit", "")),
        "scopes": form.getlist("scopes"),
        "data_retention": form.get("data_retention", "false"),
    }


def json_object() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise choices.BadChoice("send a JSON object")
    return body
