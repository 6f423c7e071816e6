"""Reading environment variables: texts, lists, numbers, switches, and files that hold secrets."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]


class Environment:
    """Variables with their `_FILE` twins; collects what is wrong instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._given = environ
        self.instance_path = Path(environ.get("INSTANCE_PATH") or ROOT / "instance").resolve()
        self._development: dict[str, str | None] = {}
        if not self.text("PUBLIC_BASE_URL").startswith("https://"):
            self._development = dotenv_values(
                self.instance_path / "development.env", interpolate=False
            )

    def text(self, name: str, default: str = "") -> str:
        value = self._given.get(name)
        if path := self._given.get(f"{name}_FILE"):
            value = self._from_file(name, path)
        return ((value or "").strip() or self._development.get(name) or default).strip()

    def _from_file(self, name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError as error:
            self.problems.append(f"{name}_FILE: {path} cannot be read ({error.strerror}).")
            return ""

    def several(self, name: str, default: str = "") -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, default).split(",") if part.strip())

    def required(self, name: str, why: str) -> str:
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is not set: {why}")
        return value

    def whole_number(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if not text.isdecimal():
            self.problems.append(f"{name} must be a whole number, not {text!r}.")
            return default
        return int(text)

    def switch(self, name: str, default: bool) -> bool:
        text = self.text(name, str(default)).lower()
        if text not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
            self.problems.append(f"{name} must be true or false, not {text!r}.")
        return text in {"true", "1", "yes", "on"}

    def seconds(self, name: str, default: float) -> timedelta:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 < value < 86_400:
            self.problems.append(f"{name} must be a number of seconds above 0, not {text!r}.")
            value = default
        return timedelta(seconds=value)
