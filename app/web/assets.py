"""The stylesheet and the script: many small files in the tree, one request each in the browser.

Joined once at start-up and served under an address that carries their version, so browsers
keep them for ever. Another version's address, which a process before or after ours gave out, is
answered with what we have, and not to be kept: sealed under that address it would stay wrong.
There is no build step.
"""

import hashlib
from pathlib import Path

from flask import Flask, Response

from .extensions import compress
from .headers import YEAR

# The cascade's order of layers is declared in the first file; the rest may follow in any order.
FIRST_STYLES = ("layers", "tokens", "base", "layout")


def init_app(app: Flask) -> None:
    """Serve `/assets/<version>.css` and `.js`, and give templates their addresses.

    Raises FileNotFoundError when set-up has not fetched htmx yet.
    """
    folder = Path(app.static_folder or "")
    styles = _join(_in_cascade_order(folder / "css"))
    scripts = _join([folder / "vendor" / "htmx.min.js", *sorted((folder / "js").glob("*.js"))])
    app.jinja_env.globals.update(
        stylesheet_address=_serve(app, "css", "text/css", styles),
        script_address=_serve(app, "js", "text/javascript", scripts),
    )


def _in_cascade_order(folder: Path) -> list[Path]:
    names = {path.stem for path in folder.glob("*.css")}
    ordered = [name for name in FIRST_STYLES if name in names]
    return [folder / f"{name}.css" for name in ordered + sorted(names - set(ordered))]


def _join(paths: list[Path]) -> str:
    """The files behind one another, without the lines that only explain."""
    lines = "\n".join(path.read_text(encoding="utf-8") for path in paths).split("\n")
    return "\n".join(line for line in lines if not _explains(line.strip()))


def _explains(line: str) -> bool:
    return line.startswith("// ") or (
        line.startswith("/*") and line.endswith("*/") and "*/" not in line[:-2]
    )


def _serve(app: Flask, kind: str, mimetype: str, text: str) -> str:
    ours = hashlib.sha256(text.encode()).hexdigest()[:12]

    @compress.compressed()
    def asset(version: str) -> Response:
        response = Response(text, mimetype=mimetype)
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR}, immutable" if version == ours else "no-store"
        )
        return response

    app.add_url_rule(f"/assets/<version>.{kind}", f"asset_{kind}", asset)
    return f"/assets/{ours}.{kind}"
