"""Other servers of models, with the same Keras models over HTTP; `make peers` installs them."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks import sizes
from benchmarks.machine import Unavailable
from benchmarks.peers import server
from benchmarks.peers.server import Server, ServerError
from local.package import ROOT

__all__ = ["NAMES", "Peer", "Server", "ServerError", "find", "start"]

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
    """A peer by its name in NAMES. Raises machine.Unavailable where it is not installed."""
    if not STAMP.is_file():
        raise Unavailable("its packages are not installed: run `make peers`")
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
    """Serve one bundled model, behind the naive handlers' fitted preprocessing in FITTED.

    All processes have ended when the context has.
    """
    variables = {
        "MODALITY": modality,
        "ARTIFACTS_DIR": str(ROOT / "artifacts"),
        "NAIVE_DIR": str(FITTED),
    }
    with server.run(peer.name, ENVIRONMENT / "bin", variables) as started:
        yield started
