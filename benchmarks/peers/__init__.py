"""Other servers of models, with the same Keras models over HTTP; `make peers` installs them."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks import sizes
from benchmarks.peers import server
from benchmarks.peers.server import Server, ServerError
from local.package import ROOT

__all__ = ["NAMES", "Peer", "Server", "ServerError", "Unavailable", "find", "start"]

NAMES = ("LitServe", "BentoML", "MLServer", "FastAPI")
ENVIRONMENT = ROOT / ".build" / "peers"
STAMP = ENVIRONMENT / ".stamp"
FITTED = ROOT / ".build" / "benchmarks"  # the naive handlers' tokenizer and transformer
# What the models need beside the server; one of the two TensorFlows is installed.
_MODELS = {
    "image": ("tensorflow", "tensorflow-cpu", "keras", "pillow"),
    "text": ("tensorflow", "tensorflow-cpu", "keras"),
    "numeric": ("tensorflow", "tensorflow-cpu", "keras", "scikit-learn", "joblib", "pandas"),
}
_SERVERS = {"FastAPI": ("fastapi", "uvicorn")}  # where it is not the peer's own name


class Unavailable(Exception):
    """This machine lacks what a peer needs."""


@dataclass(frozen=True)
class Peer:
    """One server of models as it is installed.

    versions: of the server, and of TensorFlow and Keras under it.
    sizes: bytes of the packages that it and a modality's model need, of those in the environment
    that all peers share, bytecode included.
    """

    name: str
    versions: Mapping[str, str]
    sizes: Mapping[str, int]


def find(name: str) -> Peer:
    """A peer by its name in NAMES. Raises Unavailable where it cannot run."""
    if not STAMP.is_file():
        raise Unavailable("its packages are not installed: run `make peers`")
    _prepare()
    [folder] = ENVIRONMENT.glob("lib/python*/site-packages")
    found = sizes.distributions(folder)
    servers = _SERVERS.get(name, (name.lower(),))
    shown = [each for each in (*servers, "tensorflow-cpu", "tensorflow", "keras") if each in found]
    needed = {
        modality: sizes.required(folder, [*servers, *models])
        for modality, models in _MODELS.items()
    }
    return Peer(name, {each: found[each].version for each in shown}, needed)


@contextlib.contextmanager
def start(peer: Peer, modality: str) -> Iterator[Server]:
    """Serve one bundled model; all processes have ended when the context has."""
    variables = {
        "MODALITY": modality,
        "ARTIFACTS_DIR": str(ROOT / "artifacts"),
        "NAIVE_DIR": str(FITTED),
    }
    with server.run(peer.name, ENVIRONMENT / "bin", variables) as started:
        yield started


def _prepare() -> None:
    """The fitted preprocessing as pickles, as the naive handlers have it."""
    if all((FITTED / name).is_file() for name in ("tokenizer.pickle", "transformer.joblib")):
        return
    script, artifacts = ROOT / "benchmarks" / "naive.py", ROOT / "artifacts"
    line = [sys.executable, str(script), str(artifacts), str(FITTED)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Unavailable(f"the models' preprocessing cannot be prepared: {reason[0]}")
