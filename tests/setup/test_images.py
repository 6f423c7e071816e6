"""Dockerfile and compose.yaml, as far as they can be proven where no engine runs."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
TESTED = (Path(__file__).parent / "test_scripts.py").read_text()
# Read by the images of others, or by Flask itself.
FOREIGN = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def instructions(word: str) -> list[list[str]]:
    """The arguments of each `word` instruction, options left out."""
    whole = DOCKERFILE.replace("\\\n", " ")
    lines = re.findall(rf"^{word} +(.+)$", whole, re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_every_run_step_is_a_script_of_ours_that_the_tests_run():
    steps = instructions("RUN")
    assert steps
    for step in steps:
        script = Path(step[0])
        assert script.parent == Path("scripts"), step
        assert (ROOT / script).exists(), step
        assert f'"{script.name}"' in TESTED, f"no test runs {script}"


def test_every_copied_thing_exists_and_is_let_in():
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for parts in instructions("COPY"):
        if parts[0].startswith("--from"):
            continue
        for source in parts[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in let_in, f".dockerignore keeps {source} out"


def test_scripts_find_beside_them_what_they_need():
    """Copied one by one, so that a change to another script spares the layer."""
    copied = {Path(source).name for parts in instructions("COPY") for source in parts[:-1]}
    for script in (path for path in (ROOT / "scripts").iterdir() if path.name in copied):
        for beside in re.findall(r"\$here/([\w.-]+)", script.read_text()):
            assert beside in copied, f"{script.name} needs {beside}"


def test_the_image_runs_as_nobody_and_holds_no_secret():
    assert instructions("USER") == [["10001:10001"]]
    assert DOCKERFILE.rindex("USER") > DOCKERFILE.rindex("COPY")
    assert not re.search(r"SECRET|PASSWORD|TOKEN|_KEY", DOCKERFILE)
    health = DOCKERFILE[DOCKERFILE.index("HEALTHCHECK") :].splitlines()[0]
    assert '"python", "scripts/healthcheck.py"' in health


def test_every_environment_name_is_one_that_somebody_reads(compose):
    sources = "".join(
        (ROOT / "app" / name).read_text() for name in ("core/config.py", "core/environment.py")
    )
    known = set(re.findall(r'"([A-Z][A-Z_]+)"', sources))
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            assert variable in FOREIGN or variable.removesuffix("_FILE") in known, (
                f"{name}: {variable}"
            )


def test_every_secret_is_a_file_that_its_service_is_given(compose):
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                secret = str(value).removeprefix("/run/secrets/")
                assert secret in service["secrets"], f"{name}: {variable}"
                assert secret in compose["secrets"], f"{name}: {variable}"


def test_every_service_of_ours_is_one_image_that_comes_back_and_cannot_write(compose):
    ours = {"migrate", "web", "mails", "meetings", "scheduler"}
    for name in ours:
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["restart"] in {"unless-stopped", "on-failure"}
        assert service["stop_grace_period"] == "30s"
        assert service["depends_on"]
    for name in set(compose["services"]) - ours:
        assert compose["services"][name]["healthcheck"]["test"]
        assert compose["services"][name]["volumes"]


def test_the_image_takes_its_commands_from_the_same_place_as_make_run(compose):
    """flask worker mails, flask scheduler: what works in one works in the other."""
    procfile = (ROOT / "Procfile.dev").read_text()
    for name in ("mails", "meetings", "scheduler"):
        command = shlex.join(compose["services"][name]["command"])
        assert f"{name}: {command}\n" in procfile
