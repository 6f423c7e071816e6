"""A camera for `make screens`: a CalSync to look at, browser windows, and pictures of what they show."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "screenshots"
README_PICTURE = ROOT / "docs" / "booking-page.png"
WIDE, NARROW = 1280, 360
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Words:
    """What people type, in one language."""

    host: str
    title: str
    long_title: str
    description: str
    clients: tuple[str, ...]
    note: str


WORDS = {
    "en": Words(
        host="Aya Sato",
        title="Online consultation",
        long_title="First meeting about the renovation of your house, garden and everything around it",
        description="Tell me where you stand, and I will propose the next step.",
        clients=(
            "Ken Yamada",
            "Lena Fischer",
            "Hana Suzuki",
            "Maximilian von Hohenstein-Lichtenberg",
        ),
        note="I would like to talk about the plan for spring.\nThe drawings come by email.",
    ),
    "ja": Words(
        host="佐藤 あや",
        title="オンライン面談",
        long_title="新規お取引先様向け 導入前のご相談およびお見積もりに関するオンライン打ち合わせ",
        description="ご相談内容を伺い、次の進め方をご提案します。",
        clients=("山田 健", "鈴木 花", "Lena Fischer", "長宗我部 龍之介"),
        note="春の計画についてご相談したいです。\n図面はメールでお送りします。",
    ),
}


@dataclass
class Stack:
    """A running CalSync with its sandbox."""

    base: str
    sandbox: str

    def fail_next(self, kind: str, seconds: float | None = None) -> None:
        """Let one call fail in a way that sandbox/faults.py knows."""
        body = {"kind": kind, "count": 1} | ({"seconds": seconds} if seconds else {})
        self._faults("POST", body)

    def clear_faults(self) -> None:
        self._faults("DELETE")

    def mails(self, to: str) -> list[str]:
        """The addresses of the mails to `to` as HTML, newest first."""
        found = requests.get(f"{self.sandbox}/api/mails", params={"to": to}, timeout=PATIENCE)
        return [f"{self.sandbox}/mail/{mail['id']}/html" for mail in found.json()]

    def _faults(self, method: str, body: object = None) -> None:
        answer = requests.request(method, f"{self.sandbox}/api/faults", json=body, timeout=PATIENCE)
        answer.raise_for_status()


def launch(playwright: Playwright, path: str) -> Browser:
    """The Chromium at `path`, with nobody watching."""
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=path, args=flags)


@contextmanager
def running_stack(base: str | None, sandbox: str | None) -> Iterator[Stack]:
    """The one that was named, or one of our own on free ports, ended afterwards."""
    if base and sandbox:
        yield Stack(base.rstrip("/"), sandbox.rstrip("/"))
        return
    with tempfile.TemporaryDirectory(prefix="calsync-screens-") as folder:
        port = free_ports()
        log = Path(folder) / "run.log"
        environ = os.environ | {
            "INSTANCE_PATH": folder,
            "PORT": str(port),
            "RATELIMIT_ENABLED": "false",
        }
        with log.open("w") as output:
            run = subprocess.Popen(
                [sys.executable, "-m", "scripts.run"],
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: run.poll() is not None or "CalSync is ready" in log.read_text())
            if run.poll() is not None:
                raise SystemExit(log.read_text())
            yield Stack(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}")
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(30)


def free_ports() -> int:
    """The first of three free neighbours."""
    for port in range(5180, 6000, 10):
        try:
            for number in range(port, port + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
    raise SystemExit("no free ports")


def until(is_so: Callable[[], object]) -> None:
    """Wait until `is_so()`; raises TimeoutError after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.2)


class Camera:
    """Browser windows of one language, and pictures of what they show."""

    def __init__(self, browser: Browser, stack: Stack, language: str, only: str) -> None:
        self.browser, self.stack, self.language, self.only = browser, stack, language, only
        self.taken = 0

    def window(self, **options: Any) -> Page:
        """A fresh visitor: no cookies."""
        context: BrowserContext = self.browser.new_context(
            locale={"en": "en-GB", "ja": "ja-JP"}[self.language],
            timezone_id="Asia/Tokyo",
            base_url=self.stack.base,
            viewport={"width": WIDE, "height": 800},
            reduced_motion="reduce",
            **options,
        )
        return context.new_page()

    def shoot(self, page: Page, name: str, *, dark: bool = False) -> None:
        """The whole page, wide and narrow; complains when it is wider than its window."""
        if not name.startswith(self.only):
            return
        for scheme in ("light", "dark") if dark else ("light",):
            page.emulate_media(color_scheme=scheme)
            for width in (WIDE, NARROW):
                page.set_viewport_size({"width": width, "height": 800})
                mark = ".dark" if scheme == "dark" else ""
                path = FOLDER / f"{name}.{self.language}.{width}{mark}.png"
                page.screenshot(path=path, full_page=True)
                self.taken += 1
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    print(f"{path.name}: wider than the window")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": WIDE, "height": 800})

    def go(self, page: Page, path: str, name: str, *, dark: bool = False) -> None:
        page.goto(path)
        self.shoot(page, name, dark=dark)
