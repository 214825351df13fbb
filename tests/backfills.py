"""The state machine of backfills, as a document."""

from typing import Any

from samcli.yamlhelper import yaml_parse

from tests.conftest import ROOT

FILE = ROOT / "backfill.asl.yaml"


def definition(**substitutions: str) -> dict[str, Any]:
    """The definition, with values in place of its `${names}`."""
    text = FILE.read_text(encoding="utf-8")
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    return yaml_parse(text)


def maps(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its two maps, by the name of their state."""
    return {name: s for name, s in document["States"].items() if s["Type"] == "Map"}


def task(state: dict[str, Any]) -> dict[str, Any]:
    """The one state of a map's children."""
    (found,) = state["ItemProcessor"]["States"].values()
    return found
