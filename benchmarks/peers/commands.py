"""How each peer is started: its own command line, one worker, its defaults otherwise."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

APPS = Path(__file__).parent / "apps"


@dataclass(frozen=True)
class Command:
    """A command line without the folder of programs, and the variables that it wants."""

    line: Sequence[str]
    port: int
    variables: Mapping[str, str] = field(default_factory=dict)


def command(name: str) -> Command:
    """The command that serves a model on free ports of this machine."""
    return _COMMANDS[name](*_free_ports())


def _litserve(port: int, *_: int) -> Command:
    return Command(("python", str(APPS / "litserve_app.py")), port, {"PORT": str(port)})


def _bentoml(port: int, *_: int) -> Command:
    line = ("bentoml", "serve", "bentoml_app:KerasService", "--quiet")
    address = ("--host", "127.0.0.1", "--port", str(port))
    return Command((*line, *address), port, {"BENTOML_DO_NOT_TRACK": "True"})


def _mlserver(port: int, grpc: int, metrics: int) -> Command:
    variables = {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": str(grpc),
        "MLSERVER_METRICS_PORT": str(metrics),
        "MLSERVER_DEBUG": "false",  # its log of every request
    }
    return Command(("mlserver", "start", str(APPS)), port, variables)


def _fastapi(port: int, *_: int) -> Command:
    line = ("uvicorn", "fastapi_app:app", "--log-level", "warning")
    return Command((*line, "--host", "127.0.0.1", "--port", str(port)), port)


_COMMANDS: Mapping[str, Callable[[int, int, int], Command]] = {
    "LitServe": _litserve,
    "BentoML": _bentoml,
    "MLServer": _mlserver,
    "FastAPI": _fastapi,
}


def _free_ports() -> tuple[int, int, int]:
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for opened in (one, two, three):
            opened.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1], three.getsockname()[1]
