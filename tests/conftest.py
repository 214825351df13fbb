"""What all tests share: the bundled artifacts, the payloads in events/, the three handlers."""

import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODALITIES = ("image", "text", "numeric")
EVENTS = ROOT / "events"

os.environ |= {
    "ARTIFACTS_DIR": str(ROOT / "artifacts"),
    "RESULTS_BUCKET": "results",
    "POWERTOOLS_METRICS_NAMESPACE": "Tests",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
sys.path += [str(ROOT / "functions" / modality) for modality in MODALITIES]


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context that the handlers use."""

    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    milliseconds: int = 100_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture(scope="session")
def handlers():
    """The three modules that Lambda would import, by modality."""
    return {name: importlib.import_module(f"predict_{name}") for name in MODALITIES}


@pytest.fixture
def load_event():
    """A payload from events/ by its file's name without the suffix."""

    def load(name: str) -> dict:
        return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))

    return load
