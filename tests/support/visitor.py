"""A browser without JavaScript: follows links, fills in forms, presses buttons, keeps cookies.

It speaks to the app in process or over HTTP, and sees only what a person without script sees.
"""

from contextvars import Context
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup, Tag
from flask import Flask, has_app_context

from app.db import db

ENGLISH = {"Accept-Language": "en"}


@dataclass
class Answer:
    """A response, whatever carried it."""

    status: int
    url: str
    headers: dict[str, str]
    text: str


class Transport(Protocol):
    def send(self, method: str, url: str, data: list[tuple[str, str]] | None) -> Answer: ...


class InProcess:
    """The app's own test client. Each request has a context of its own, as on a server.

    A test stands in an app context; Flask would let its requests share that one's `g`, and
    Flask-Login keeps the signed-in user there.
    """

    def __init__(self, app: Flask, headers: dict[str, str] | None = None) -> None:
        self.client = app.test_client()
        self.headers = ENGLISH | (headers or {})

    def send(self, method: str, url: str, data: list[tuple[str, str]] | None) -> Answer:
        from werkzeug.datastructures import MultiDict  # noqa: PLC0415

        response = Context().run(
            self.client.open,
            url,
            method=method,
            data=MultiDict(data) if data is not None else None,
            headers=self.headers,
            base_url="http://127.0.0.1",
        )
        if has_app_context():
            db.session.expire_all()  # what the request changed is read again
        headers = {name.title(): value for name, value in response.headers.items()}
        text = response.get_data().decode(errors="replace")
        response.close()
        return Answer(response.status_code, url, headers, text)


class OverHttp:
    """A real connection to a running CalSync."""

    def __init__(self, base: str, headers: dict[str, str] | None = None) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers.update(ENGLISH | (headers or {}))

    def send(self, method: str, url: str, data: list[tuple[str, str]] | None) -> Answer:
        response = self.session.request(
            method, urljoin(self.base, url), data=data, allow_redirects=False, timeout=30
        )
        headers = {name.title(): value for name, value in response.headers.items()}
        return Answer(response.status_code, response.url, headers, response.text)


@dataclass
class Page:
    """What the visitor looks at."""

    visitor: "Visitor"
    answer: Answer

    @cached_property
    def soup(self) -> BeautifulSoup:
        """Read when it is looked at first: reading a page takes as long as making it."""
        return BeautifulSoup(self.answer.text, "html.parser")

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def url(self) -> str:
        return self.answer.url

    @property
    def path(self) -> str:
        return urlsplit(self.answer.url).path

    @property
    def text(self) -> str:
        """The page's words, white space folded."""
        return " ".join(self.soup.get_text(" ").split())

    def all(self, selector: str) -> list[Tag]:
        return self.soup.select(selector)

    def one(self, selector: str) -> Tag:
        found = self.soup.select(selector)
        assert len(found) == 1, f"{len(found)} of {selector} on {self.url}:\n{self.text}"
        return found[0]

    def link(self, words: str) -> Tag:
        """The first link whose words begin so."""
        for link in self.soup.select("a[href]"):
            if " ".join(link.get_text(" ").split()).startswith(words):
                return link
        raise AssertionError(f"no link {words!r} on {self.url}:\n{self.text}")

    def has_link(self, words: str) -> bool:
        return any(words in link.get_text(" ") for link in self.soup.select("a[href]"))

    def follow(self, words: str) -> "Page":
        return self.visitor.get(urljoin(self.url, str(self.link(words)["href"])))

    def open(self, selector: str) -> "Page":
        """Follow the first link that the selector finds."""
        found = self.soup.select(selector)
        assert found, f"no {selector} on {self.url}:\n{self.text}"
        return self.visitor.get(urljoin(self.url, str(found[0]["href"])))

    def form(self, button: str) -> "Form":
        """The form with a button of these words (or this label)."""
        for form in self.soup.select("form"):
            for pressed in form.select("button"):
                words = " ".join(pressed.get_text(" ").split())
                if "visually-hidden" not in (pressed.get("class") or []) and button in {
                    words,
                    pressed.get("aria-label"),
                }:
                    return Form(self, form, pressed)
        raise AssertionError(f"no button {button!r} on {self.url}:\n{self.text}")

    def form_to(self, path: str) -> "Form":
        """The form that is sent to a path, by its first button."""
        for form in self.soup.select("form"):
            action = str(form.get("action") or self.url)
            button = form.select_one("button")
            if urlsplit(action).path == path and button is not None:
                return Form(self, form, button)
        raise AssertionError(f"no form to {path} on {self.url}:\n{self.text}")

    def press(self, button: str, **values: Any) -> "Page":
        """Fill in and send the form of a button."""
        return self.form(button).send(**values)


@dataclass
class Form:
    """A form as it was offered, and the button that will send it."""

    page: Page
    form: Tag
    button: Tag

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What a browser would send right now."""
        sent: list[tuple[str, str]] = []
        for control in self.form.select("input[name], select[name], textarea[name]"):
            name = str(control["name"])
            if control.name == "textarea":
                # Browsers leave out a line break right after the tag.
                sent.append((name, control.get_text().removeprefix("\r\n").removeprefix("\n")))
            elif control.name == "select":
                chosen = control.select_one("option[selected]") or control.select_one("option")
                if chosen is not None:
                    sent.append((name, str(chosen.get("value", chosen.get_text()))))
            elif control.get("type") in {"checkbox", "radio"}:
                if control.has_attr("checked"):
                    sent.append((name, str(control.get("value", "on"))))
            elif control.get("type") not in {"submit", "button"}:
                sent.append((name, str(control.get("value", ""))))
        return sent

    def send(self, **values: Any) -> Page:
        """Send it with these values in place of what it offers; None leaves a field out."""
        names = {name.replace("__", "-"): value for name, value in values.items()}
        offered = self.fields
        data = [(name, text) for name, text in offered if name not in names]
        data += [(name, str(value)) for name, value in names.items() if value is not None]
        if self.button.has_attr("name"):
            data.append((str(self.button["name"]), str(self.button.get("value", ""))))
        action = self.button.get("formaction") or self.form.get("action") or self.page.url
        address = urljoin(self.page.url, str(action)).split("#")[0]
        if str(self.form.get("method", "get")).lower() == "get":
            query = requests.models.RequestEncodingMixin._encode_params(data)
            return self.page.visitor.get(f"{address.split('?')[0]}?{query}")
        return self.page.visitor.post(address, data)


class Visitor:
    """Somebody at a browser."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def get(self, url: str) -> Page:
        return self._go("GET", url, None)

    def post(self, url: str, data: list[tuple[str, str]] | dict[str, str]) -> Page:
        pairs = list(data.items()) if isinstance(data, dict) else data
        return self._go("POST", url, pairs)

    def _go(self, method: str, url: str, data: list[tuple[str, str]] | None) -> Page:
        for _ in range(10):
            answer = self.transport.send(method, url, data)
            if answer.status not in {301, 302, 303, 307, 308}:
                return Page(self, answer)
            url, method, data = urljoin(answer.url, answer.headers["Location"]), "GET", None
        raise AssertionError(f"redirected in a circle at {url}")
