"""What unit tests share: objects of S3 in memory."""

import io
from contextlib import contextmanager

import pytest

from serving import storage
from serving.storage import Stored

_contents: dict[str, bytes] = {}


def in_memory(body: bytes) -> Stored:
    """An object of these bytes, wherever it is said to be."""
    stored = Stored(str(hash(body)), None, len(body), {})
    _contents[stored.etag] = body
    return stored


@pytest.fixture
def memory_for_s3(monkeypatch):
    """Reads what `in_memory` was given."""

    @contextmanager
    def opened(where, stored, start=0, stop=None):
        yield io.BufferedReader(io.BytesIO(_contents[stored.etag][start:stop]))

    monkeypatch.setattr(storage, "opened", opened)
    yield
    _contents.clear()
