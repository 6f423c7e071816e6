"""What every template keeps to, so that pages work without a script and under the policy."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "app" / "templates"
SCREENS = sorted(
    p for p in TEMPLATES.rglob("*.html") if "mail" not in p.relative_to(TEMPLATES).parts
)
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
VOID = {"input", "meta", "link", "br", "hr", "img", "path", "circle", "rect"}


class Elements(HTMLParser):
    """Every element of a template with its attributes, and those of its nearest form."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        form = next((held for name, held in reversed(self._open) if name == "form"), {})
        self.found.append((tag, attributes, form))
        if tag not in VOID:
            self._open.append((tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return


def inner(match: re.Match[str]) -> str:
    """An expression as text that an attribute can hold: no quotes, no angle brackets."""
    return re.sub(r"[\"'<>]", "", match[0]) if match[0].startswith("{{") else " "


def elements(path: Path) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    return Elements(JINJA.sub(inner, path.read_text(encoding="utf-8"))).found


@pytest.fixture(params=SCREENS, ids=lambda path: str(path.relative_to(TEMPLATES)))
def screen(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_scripts_and_styles_are_files(screen: Path) -> None:
    for tag, attributes, _form in elements(screen):
        assert tag != "style", "a style element"
        assert "style" not in attributes, f"an inline style on <{tag}>"
        assert tag != "script" or "src" in attributes, "an inline script"
        handlers = [name for name in attributes if name.startswith(("on", "hx-on"))]
        assert not handlers, f"{handlers} on <{tag}>"
        scripted = [
            name for name, value in attributes.items() if "js:" in value or "javascript:" in value
        ]
        assert not scripted, f"{scripted} on <{tag}>"


def test_what_htmx_does_a_link_or_form_does_too(screen: Path) -> None:
    for tag, attributes, form in elements(screen):
        for name in attributes.keys() & {"hx-get", "hx-post"}:
            if "every" in attributes.get("hx-trigger", ""):
                continue  # it asks again; without a script the page's own refresh does
            address = attributes[name]
            # A fragment is for who loads the page anew; htmx stays where it is.
            plain = [
                attributes.get(kind, "").partition("#")[0]
                for kind in ("href", "action", "formaction")
            ] + [form.get("action") if tag == "button" else None]
            assert address in plain, f"<{tag} {name}={address!r}> has no link or form beside it"


def test_only_safe_methods_of_htmx_are_used(screen: Path) -> None:
    for tag, attributes, _form in elements(screen):
        others = attributes.keys() & {"hx-put", "hx-patch", "hx-delete", "hx-boost", "hx-vals"}
        assert not others, f"{others} on <{tag}>"


def test_every_form_that_posts_carries_a_token_or_needs_none(screen: Path) -> None:
    text = screen.read_text(encoding="utf-8")
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", text, re.DOTALL):
        has_token = "csrf()" in form or "csrf_token" in form
        by_itself = any(
            name in form for name in ("'public.", "'client.", "'reminders.", "choose_language")
        )
        assert has_token != by_itself, form[:120]


def test_words_come_from_the_catalogue_or_a_text_of_their_language(screen: Path) -> None:
    if screen.name.endswith(".ja.html"):
        assert screen.with_name(screen.name.replace(".ja.", ".en.")).exists()
        return
    text = JINJA.sub("", screen.read_text(encoding="utf-8"))
    assert not JAPANESE.search(text), "Japanese outside the catalogue"


def test_every_image_is_named_or_hidden(screen: Path) -> None:
    for tag, attributes, _form in elements(screen):
        if tag in {"svg", "img"}:
            assert attributes.get("aria-hidden") == "true" or attributes.get("alt"), f"<{tag}>"


def test_an_arrow_is_no_part_of_a_name(screen: Path) -> None:
    text = re.sub(r'<span aria-hidden="true">[←→]</span>', "", screen.read_text(encoding="utf-8"))
    assert not re.search("[←→]", text), "an arrow that is read aloud"
