"""The costliest input that a form, a header or a query takes, beside a bare reply of the same run."""

from collections.abc import Callable
from urllib.parse import urlencode

from flask import Flask

from bench.measure import median_ms, take_turns, tell
from bench.page import bare_app
from bench.stage import Stage, stages

BASE = "http://127.0.0.1"
FORM = "application/x-www-form-urlencoded"
BODY = 128 * 1024
LINE = 4_000  # gunicorn takes no longer address, and no header past 8 kB
COSTLY = {
    "marks": "Z" + "\u0315\u0300" * 11_000,
    "ligatures": "\ufdfa" * 14_000,
    "digits": "9" * 130_000,
    "separators": ";,&= " * 26_000,
    "percent": "%" * 43_000,
}
FIELDS = ("name", "email", "note", "password", "timezone", "key", "lang", "next")
FORMS = ("/signup", "/login", "/language", "/b/busy/20301202T000000Z")
QUERIES = ("/b/busy?tz=", "/b/busy?date=", "/b/busy?lang=", "/login?next=")
HEADERS = ("Accept-Language", "Cookie", "User-Agent", "Referer")


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage) -> None:
    """One line: the costliest in milliseconds, what it was, and its ratio to a bare reply."""
    bare = bare_app().test_client()
    asked = works(stage.app)
    took = {what: median_ms(work, 0.02) for what, work in asked.items()}
    worst = max(took, key=lambda what: took[what])
    # Measured once more by turns: a machine that changes its speed leaves the ratio alone.
    turns = take_turns({"bare": lambda: bare.get("/"), "worst": asked[worst]}, 1.0, 9)
    tell(
        bench="inputs",
        database=stage.database,
        inputs=len(took),
        worst=worst,
        **{f"{name}_ms": round(ms, 3) for name, ms in turns.medians_ms().items()},
        to_bare=round(turns.ratio("worst", "bare"), 1),
    )


def works(app: Flask) -> dict[str, Callable[[], object]]:
    """A request for each form, field, query and header with each costly text."""
    client = app.test_client()
    found: dict[str, Callable[[], object]] = {}
    for kind, text in COSTLY.items():
        for address in FORMS:
            for field in FIELDS:
                body = urlencode({field: text})[: BODY - 1]
                found[f"{address} {field} {kind}"] = lambda address=address, body=body: client.post(
                    address, data=body, content_type=FORM, base_url=BASE
                )
        for query in QUERIES:
            asked = (query + urlencode({"": text})[1:])[:LINE]
            found[f"{query} {kind}"] = lambda asked=asked: client.get(asked, base_url=BASE)
        plain = text.encode("ascii", "replace").decode()[: 2 * LINE]
        for header in HEADERS:
            found[f"{header} {kind}"] = lambda header=header, plain=plain: client.get(
                "/login", headers={header: plain}, base_url=BASE
            )
    return found


if __name__ == "__main__":
    main()
