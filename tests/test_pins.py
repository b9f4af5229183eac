"""Every range has an upper bound and admits its pin, and the house's files agree."""

import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lines(name):
    """The requirements in a file, without comments and options."""
    text = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in text if line and not line.startswith(("#", "-"))]


PINS = {canonicalize_name(Requirement(line).name): line.partition("==")[2]
        for line in lines("constraints.txt")}
RANGES = sorted({*lines("requirements.txt"), *PROJECT["dependencies"],
                 *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)})


@pytest.mark.parametrize("line", RANGES)
def test_a_range_is_bounded_and_admits_its_pin(line):
    need = Requirement(line)
    assert {spec.operator for spec in need.specifier} & {"<", "=="}
    if need.marker is None or need.marker.evaluate():
        assert need.specifier.contains(PINS[canonicalize_name(need.name)])


def test_pins_are_exact_and_plain():
    assert len(PINS) > 150
    assert all(version and "+" not in version and "@" not in version for version in PINS.values())


def test_the_extras_are_there():
    assert set(PROJECT["optional-dependencies"]) == {"test", "models", "peers", "grading"}


def test_the_citation_names_this_version():
    from aisys_lab import __version__

    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == \
        __version__


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")),
                         ids=lambda path: path.stem)
def test_workflows_pin_what_they_use(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert used
    assert all(len(name.partition("@")[2]) == 40 for name in used)
