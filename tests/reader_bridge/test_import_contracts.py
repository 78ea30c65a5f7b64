"""What may import what, where the list of modules has to be kept by hand."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OTHERS = {"protocol"}


def test_every_part_of_the_bridge_but_the_protocol_is_closed_to_the_services() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (
        each
        for each in contracts["contracts"]
        if each["name"].startswith("of the bridge, the other rooms know")
    )
    there = {
        path.stem
        for path in (ROOT / "reader_bridge").iterdir()
        if not path.stem.startswith("_")
        and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    closed = {name.removeprefix("reader_bridge.") for name in contract["forbidden_modules"]}
    assert closed == there - NOT_OTHERS
