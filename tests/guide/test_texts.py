"""Documentation, privacy, terms: the same in both languages, and what was published stays."""

import re
from datetime import date
from pathlib import Path

import pytest
from bs4 import Tag
from flask import Flask

from app.guide import pictures, views
from app.i18n import LANGUAGES
from tests.support.cast import make_host, visit_as
from tests.support.visitor import InProcess, Page, Visitor

TEXTS = ["docs", "privacy", "terms"]
PAGES = [*TEXTS, "support"]
PUBLISHED = Path(__file__).with_name("published.txt")
MOST_BYTES_OF_PICTURES = 400_000
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def read(app: Flask, name: str, language: str) -> Page:
    return Visitor(InProcess(app, {"Accept-Language": language})).get(f"/{name}")


def squeezed(text: str) -> str:
    """Without white space, which markup adds and folds, and with plain quotation marks."""
    return "".join(text.split()).translate({ord("“"): '"', ord("”"): '"', ord("’"): "'"})


def shape_of(page: Page) -> list[object]:
    """What must be the same in both languages: anchors, links, lists, tables, pictures, gaps."""
    return [
        (
            element.name,
            element.get("id"),
            re.sub(r"\.(en|ja)\.", ".", str(element.get("href"))),
            re.sub(r"\.(en|ja)\.", ".", str(element.get("src"))),
            element.get_text() if element.name == "code" else None,
        )
        for element in page.one(".guide").find_all(
            ["section", "h2", "h3", "p", "ol", "ul", "li", "tr", "th", "td", "a", "img", "code", "mark", "dt"]
        )
    ]  # fmt: skip


def words_of(page: Page) -> str:
    """The page's words but for names that are the same everywhere."""
    main = page.one("main")
    for same in main.select("code, [lang]"):
        same.extract()
    return main.get_text(" ")


@pytest.mark.parametrize("name", TEXTS)
def test_both_languages_have_the_same_parts(app: Flask, name: str) -> None:
    english, japanese = (shape_of(read(app, name, language)) for language in ("en", "ja"))
    assert len(english) > 20
    assert english == japanese


@pytest.mark.parametrize("name", PAGES)
def test_each_language_is_wholly_in_that_language(app: Flask, name: str) -> None:
    assert not JAPANESE.search(words_of(read(app, name, "en")))
    page = read(app, name, "ja")
    for part in page.one("main").select("p, li, td, h1, h2, h3, dt"):
        own = re.sub(
            r"[\d. ]|Zoom|Cookie|lang|calsync(?:_known)?|meeting:\w+:meeting", "", part.get_text()
        )
        if own.strip() and not part.select("[href^=mailto]"):
            assert JAPANESE.search(own), part


def published_lines() -> list[str]:
    return [line for line in PUBLISHED.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.mark.parametrize("line", published_lines())
def test_every_published_line_is_in_the_documentation(app: Flask, line: str) -> None:
    settings = app.extensions["settings"]
    here = line.replace("https://calsync.site", settings.public_base_url)
    assert squeezed(here) in squeezed(read(app, "docs", "en").soup.get_text())


@pytest.mark.parametrize(
    "words",
    [
        "「Zoom ミーティングを自動作成」をオンにします",
        "「Zoom との接続を解除」を押します",
        "meeting:write:meeting",
        "許可の取り消しと同時に削除されます",
        "ブラウザーのキャッシュと Cookie を削除してください",
        "VPN やプロキシを使用していないこと",
        "件名を「Data Deletion Request」として",
        "トップに戻る",
    ],
)
def test_the_japanese_documentation_says_it_too(app: Flask, words: str) -> None:
    assert squeezed(words) in squeezed(read(app, "docs", "ja").soup.get_text())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEXTS)
def test_the_contents_lead_to_every_part(app: Flask, name: str, language: str) -> None:
    page = read(app, name, language)
    listed = {str(link["href"]): link.get_text() for link in page.all(".contents a")}
    parts = {f"#{part['id']}": part.select("h2")[0].get_text() for part in page.all(".prose section")}  # fmt: skip
    assert listed == parts
    assert len(listed) >= 7


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(app: Flask, name: str, language: str) -> None:
    visitor = visit_as(app, make_host(), {"Accept-Language": language})
    page = visitor.get(f"/{name}")
    ids = [str(element["id"]) for element in page.all("[id]")]
    assert len(ids) == len(set(ids))
    settings = app.extensions["settings"]
    for link in page.all("a[href]"):
        address = str(link["href"])
        if address.startswith("mailto:"):
            assert address.partition("?")[0] == f"mailto:{settings.support_email}"
        elif address.startswith("http"):
            assert address == settings.zoom_marketplace_url
        elif address.startswith("#"):
            assert address[1:] in ids
        else:
            path, _hash, anchor = address.partition("#")
            target = visitor.get(path)
            assert target.status == 200, address
            assert not anchor or target.all(f"#{anchor}"), address


def test_the_documentation_leads_to_the_screens_it_names(app: Flask) -> None:
    page = visit_as(app, make_host()).get("/docs")
    leads = {str(link["href"]) for link in page.all(".prose a")}
    assert leads >= {
        "/settings/integrations", "/dashboard/pages/new", "/dashboard/bookings", "/support",
        app.extensions["settings"].zoom_marketplace_url,
        "mailto:support@calsync.site?subject=Data%20Deletion%20Request",
    }  # fmt: skip
    for name in ("Zoom Integration", "Auto-create Zoom meeting", "Disconnect Zoom"):
        assert any(bold.get_text() == name for bold in page.all(".prose b")), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_are_of_that_language_named_and_keep_their_place(
    app: Flask, language: str
) -> None:
    shown = read(app, "docs", language).all("img")
    assert len(shown) == 5
    for picture in shown:
        source = str(picture["src"])
        assert source.endswith(f".{language}.webp")
        assert picture["loading"] == "lazy"
        assert picture.parent is not None
        assert picture.parent["href"] == source  # in full size, for small screens
        assert len(str(picture["alt"])) > 20
        width, height = int(str(picture["width"])), int(str(picture["height"]))
        assert 300 < width <= 880
        assert 100 < height <= 680
        answer = InProcess(app).send("GET", source, None)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")


def test_every_picture_is_shown_and_all_are_light(app: Flask) -> None:
    files = {file.name: file.stat().st_size for file in pictures.FOLDER.iterdir()}
    shown = {
        Path(str(picture["src"])).name
        for language in LANGUAGES
        for picture in read(app, "docs", language).all("img")
    }
    assert set(files) == shown
    assert sum(files.values()) < MOST_BYTES_OF_PICTURES


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_nothing_comes_from_elsewhere_and_no_cookie_is_set(
    app: Flask, name: str, is_signed_in: bool
) -> None:
    visitor = visit_as(app, make_host()) if is_signed_in else Visitor(InProcess(app))
    page = visitor.get(f"/{name}")
    assert page.status == 200
    assert ("Sign out" in page.text) is is_signed_in
    assert is_signed_in or "Set-Cookie" not in page.answer.headers
    for element in page.all("[src], link[rel=stylesheet], link[rel=icon]"):
        address = str(element.get("src") or element.get("href"))
        assert address.startswith(("/", "data:")), element


@pytest.mark.parametrize("name", PAGES)
def test_another_language_keeps_the_page(visit: Visitor, name: str) -> None:
    page = visit.get(f"/{name}").press("日本語")
    assert page.path == f"/{name}"
    assert page.one("html")["lang"] == "ja"


@pytest.mark.parametrize("name", TEXTS)
def test_a_language_in_the_address_goes_along(visit: Visitor, name: str) -> None:
    page = visit.get(f"/{name}?lang=ja")
    for link in page.all("footer a, .prose a[href^='/support'], .prose a[href^='/privacy']"):
        assert "?lang=ja" in str(link["href"])
    others = {str(link["hreflang"]): str(link["href"]) for link in page.all("link[hreflang]")}
    assert others == {
        language: f"http://127.0.0.1/{name}?lang={language}" for language in LANGUAGES
    }


@pytest.mark.parametrize("name", TEXTS)
def test_the_month_of_the_text_is_shown(app: Flask, name: str) -> None:
    updated = views.UPDATED[name]
    words = {"en": f"{updated:%B %Y}", "ja": f"{updated.year}年{updated.month}月"}
    for language in LANGUAGES:
        shown = read(app, name, language).one("header time")
        assert shown.get_text() == words[language]
        assert date.fromisoformat(str(shown["datetime"])) == updated


@pytest.mark.parametrize("language", LANGUAGES)
def test_legal_pages_say_that_they_are_templates(app: Flask, language: str) -> None:
    for name in ("privacy", "terms"):
        page = read(app, name, language)
        assert page.all("header .note.attention")
        gaps = [gap.get_text() for gap in page.all("mark.gap")]
        assert len(gaps) >= 6
        start = {"en": "To be completed by the operator: ", "ja": "運営者が記入："}[language]
        assert all(gap.startswith(start) for gap in gaps)
        assert "株式会社国際資源" in page.one(".prose").get_text()
        assert "support@calsync.site" in page.one(".prose").get_text()
    assert not read(app, "docs", language).all("mark.gap, header .note")


def test_the_cookies_named_are_those_that_are_set(app: Flask) -> None:
    visitor = Visitor(InProcess(app))
    visitor.get("/signup").form_to("/signup").send(
        name="Aya", email="aya@example.jp", password="correct horse battery"
    )
    visitor.get("/docs").press("日本語")
    transport = visitor.transport
    assert isinstance(transport, InProcess)
    kept = {cookie.key for cookie in transport.client._cookies.values()}
    table: Tag = visitor.get("/privacy").all("#cookies table")[0]
    assert kept == {code.get_text() for code in table.select("code")}


@pytest.mark.parametrize("path", ["/", "/login", "/docs", "/b/nobody"])
def test_every_page_leads_to_the_four(visit: Visitor, path: str) -> None:
    found = [str(link["href"]) for link in visit.get(path).all("footer a")]
    assert found == ["/docs", "/support", "/privacy", "/terms"]
    for address in found:
        assert visit.get(address).status == 200
