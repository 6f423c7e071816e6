"""Which browser `make test` installs where one is missing, with stand-ins for apt and the machine."""

from pathlib import Path

import pytest

from scripts import chromium


class Machine:
    """Where root can install the packages that `known` names."""

    def __init__(self, known: set[str], present: set[str]) -> None:
        self.known, self.present = known, present
        self.asked: list[list[str]] = []

    def apt(self, packages: list[str]) -> bool:
        self.asked.append(packages)
        if not self.known.issuperset(packages):
            return False
        self.present.update(packages)
        return True

    def find(self) -> str | None:
        return next((f"/usr/bin/{name}" for name in chromium.NAMES if name in self.present), None)


@pytest.fixture
def on_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "STAMP", tmp_path / "stamp")

    def install(known: set[str], present: set[str]) -> Machine:
        machine = Machine(known, present)
        monkeypatch.setattr(chromium, "find", machine.find)
        monkeypatch.setattr(chromium, "_apt", machine.apt)
        monkeypatch.setattr(chromium, "_can_apt", lambda: True)
        monkeypatch.setattr(chromium, "_driver_runs", lambda: chromium.LIBRARY in machine.present)
        monkeypatch.setattr(
            chromium, "_has_japanese_font", lambda: chromium.FONT in machine.present
        )
        assert chromium.install() == 0
        return machine

    return install


BESIDE = {chromium.LIBRARY, chromium.FONT}


def test_where_nothing_is_the_shell_is_installed_with_what_it_wants(on_machine):
    machine = on_machine({chromium.SHELL, *BESIDE}, set())
    assert machine.asked == [[chromium.SHELL, chromium.LIBRARY, chromium.FONT]]


def test_the_shell_joins_another_chromium(on_machine):
    machine = on_machine({chromium.SHELL}, {"chromium", *BESIDE})
    assert machine.asked == [[chromium.SHELL]]
    assert Path(machine.find()).name == chromium.SHELL


def test_where_apt_knows_no_shell_any_chromium_does(on_machine):
    machine = on_machine({"chromium", *BESIDE}, {chromium.FONT})
    assert machine.asked[1:] == [["chromium", chromium.LIBRARY]]


def test_where_apt_has_nothing_the_chromium_that_is_there_does_and_is_not_doubted(on_machine):
    assert on_machine(set(), {"chromium", *BESIDE}).asked == [[chromium.SHELL]]
    path = Path(chromium.STAMP)
    assert path.read_text() == f"{chromium._key()}\n/usr/bin/chromium\n"


def test_what_was_complete_is_not_looked_at_again(on_machine):
    assert on_machine(set(), {chromium.SHELL, *BESIDE}).asked == []
    path = Path(chromium.STAMP)
    path.write_text(f"{chromium._key()}\n{path}\n")
    assert on_machine(set(), set()).asked == []


def test_one_that_is_named_by_hand_is_taken(on_machine, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/usr/bin/chromium")
    assert on_machine({chromium.SHELL}, {"chromium", *BESIDE}).asked == []
