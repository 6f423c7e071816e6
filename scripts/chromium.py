"""The Chromium of the browser tests: `find()` says where it is, `make test` fetches one.

    python -m scripts.chromium             prints its path; exit 1 without one
    python -m scripts.chromium --install   fetches one where the machine lets us

The environment: CHROMIUM names one by hand. CALSYNC_REQUIRE_BROWSER=1 makes its absence an
error, where otherwise the browser tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

# Debian's package of a Chromium without windows: it draws the same for two thirds of the work.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Japanese pages are tested and drawn; without this the letters are empty boxes.
FONT = "fonts-noto-cjk"
# What Playwright's driver links against, and a minimal Debian leaves out.
LIBRARY = "libatomic1"
# Says that all of it was there, and where; with the environment it is made anew.
STAMP = Path(sys.prefix) / ".chromium"


def find() -> str | None:
    """The path of a Chromium that runs, or None."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    for name in NAMES:
        if (path := shutil.which(name)) and _runs(path):
            return path
    path = _playwrights()
    return path if path and _runs(path) else None


def _playwrights() -> str | None:
    """Where Playwright puts its own download, if it is there."""
    # In a process of its own: Playwright refuses to start inside a test that already runs it.
    ask = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    try:
        answer = subprocess.run(
            [sys.executable, "-c", ask], check=False, capture_output=True, text=True, timeout=30
        )
    except subprocess.TimeoutExpired:
        return None
    path = answer.stdout.strip()
    return path if path and Path(path).exists() else None


def _runs(path: str) -> bool:
    """Ubuntu's package is a note to install a snap: a file alone proves nothing."""
    try:
        answer = subprocess.run([path, "--version"], check=False, capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def install() -> int:
    """Make sure that there is a Chromium, and a Japanese font; 0 also when tests can do without."""
    if _was_complete():
        return 0
    STAMP.unlink(missing_ok=True)
    status = _install()
    path = find()
    if path and _driver_runs() and _has_japanese_font():
        STAMP.write_text(f"{_key()}\n{path}\n")
    return status


def _key() -> str:
    """What decides which Chromium is found, and what was installed beside it."""
    packages = ""
    with suppress(FileNotFoundError):  # written by `make setup`
        packages = (STAMP.parent / ".packages").read_text()
    return repr((packages, NAMES, os.environ.get("CHROMIUM"), os.environ.get("PATH")))


def _was_complete() -> bool:
    """Whether an earlier look found everything: looking anew starts five processes, for seconds."""
    try:
        key, path = STAMP.read_text().splitlines()
    except (OSError, ValueError):
        return False
    return key == _key() and Path(path).exists()


def _install() -> int:
    if _can_apt():
        _install_packages()
    elif not _has_japanese_font():
        print(f"No Japanese font here; screenshots want one (apt-get install {FONT}).", flush=True)
    if find() and _driver_runs():
        return 0
    print("Fetching Chromium with Playwright …", flush=True)
    # As root on Debian and Ubuntu it can also install the libraries that Chromium wants.
    libraries = ["--with-deps"] if _can_apt() else []
    fetch = [sys.executable, "-m", "playwright", "install", *libraries, "chromium"]
    subprocess.run(fetch, check=False)
    if find() and _driver_runs():
        return 0
    hint = f"No Chromium here. As root: apt-get install chromium {LIBRARY}; then: make test"
    if os.environ.get("CALSYNC_REQUIRE_BROWSER") == "1":
        print(f"error: {hint}", file=sys.stderr)
        return 1
    print(f"*** THE BROWSER TESTS WILL BE SKIPPED. {hint} ***", flush=True)
    return 0


def _install_packages() -> None:
    """The shell, or where there is none of that name another Chromium; and what it stands on."""
    there = {LIBRARY: _driver_runs(), FONT: _has_japanese_font()}
    others = [package for package, is_there in there.items() if not is_there]
    found = find()
    is_settled = found and (os.environ.get("CHROMIUM") or Path(found).name == SHELL)
    wanted = others if is_settled else [SHELL, *others]
    if not wanted or _apt(wanted) or is_settled:
        return
    # Of a list with a name that it does not know, apt installs nothing.
    if wanted := others if found else ["chromium", *others]:
        _apt(wanted)


def _can_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _driver_runs() -> bool:
    command = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _has_japanese_font() -> bool:
    if lister := shutil.which("fc-list"):
        command = [lister, ":lang=ja", "file"]
        return bool(subprocess.run(command, check=False, capture_output=True).stdout)
    return any(Path("/usr/share/fonts").glob("**/*CJK*"))


def _apt(packages: list[str]) -> bool:
    """Install Debian packages, showing what happens; whether it worked."""
    print(f"Installing {' '.join(packages)} with apt-get …", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    commands = (
        ["apt-get", "update", "--quiet=1"],
        ["apt-get", "install", "--quiet=1", "--yes", "--no-install-recommends", *packages],
    )
    return all(
        subprocess.run(command, check=False, env=quiet).returncode == 0 for command in commands
    )


def main() -> int:
    if "--install" in sys.argv[1:]:
        return install()
    path = find()
    print(path or "no Chromium", file=sys.stdout if path else sys.stderr)
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
