"""Who is measured, and on what."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import inputs, machine, peers, sizes
from benchmarks.machine import Unavailable
from benchmarks.measure import Contender
from local import emulator, package
from local.package import ROOT, Function

HANDLERS = ROOT / "benchmarks" / "handlers"
SCRATCH = ROOT / ".build" / "benchmarks"
KERAS = ROOT / ".build" / "keras"  # the container image's packages, installed without Docker
FLOOR, MINIMAL, OURS, NAIVE = "bare handler", "hand-minimal", "this package", "naive TensorFlow"
IMPORT, ENGINE = "import Keras", "Keras engine"
NAMES = (FLOOR, MINIMAL, OURS, IMPORT, ENGINE, NAIVE, *peers.NAMES)
BUNDLES = ROOT / "artifacts"  # the built package has the same, less model.keras
MOBILENET = SCRATCH / "mobilenet"
SLOW = 120  # seconds a function with TensorFlow may take; more than it needs on a busy machine
# A workload is a bundle and its inputs; its modality says which function serves it.
MODALITIES = {"image": "image", "text": "text", "numeric": "numeric", "mobilenet": "image"}
# What the hand-minimal handlers import, in the dependencies layer.
NUMBERS = ("numpy*", "onnxruntime*")
IMPORTED = {"image": (*NUMBERS, "PIL", "pillow*"), "text": NUMBERS, "numeric": NUMBERS}


@dataclass(frozen=True)
class Packages:
    """What a contender imports, as a layer, and the versions in it.

    sizes: bytes by modality, where the folder holds more than the contender needs.
    """

    layer: Path
    versions: Mapping[str, str]
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Available:
    """What this machine has beside the built package."""

    engine: Packages | None = None
    naive: Packages | None = None
    servers: Sequence[peers.Peer] = ()


def contenders(workloads: Sequence[str], available: Available) -> list[Contender]:
    """All contenders of these workloads that this machine has, in the order of NAMES."""
    found: list[Contender] = []
    for workload in workloads:
        found += _on_onnx_runtime(workload)
        if available.engine:
            found += _on_keras(workload, available.engine)
        if available.naive:
            found.append(_naive(workload, available.naive))
        if workload in inputs.EVENTS:  # they serve the bundled models
            found += [_peer(workload, peer) for peer in available.servers]
    return found


def find_engine() -> Packages:
    """The packages of the container image. Raises Unavailable where they are not installed."""
    stamp = KERAS / ".stamp"
    if not stamp.is_file():
        name = stamp.relative_to(ROOT)
        raise Unavailable(f"its packages are not installed: run `make {name}`")
    names = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "pillow", "orjson")
    return Packages(KERAS, machine.versions([KERAS / "python"], names))


def keras_engine(modality: str) -> Function:
    """The built function under the engine keras, on the packages of the container image."""
    ours = package.function(modality)
    [built] = [layer for layer in ours.layers if (layer / "artifacts").is_dir()]
    # Without the built layer's bundles: a zip has no model.keras.
    serving = layer("serving", built / "python")
    variables = {**ours.environment, "ARTIFACTS_DIR": str(BUNDLES), "ENGINE": "keras"}
    return dataclasses.replace(ours, layers=(KERAS, serving), environment=variables, timeout=SLOW)


def layer(name: str, packages: Path) -> Path:
    """A layer of packages that lie elsewhere."""
    link = SCRATCH / name / "python"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(packages)
    return link.parent


def _on_onnx_runtime(workload: str) -> Iterator[Contender]:
    """The floor, the limit and this package, on the packages of the built layer."""
    modality = MODALITIES[workload]
    ours, rival = package.function(modality), _rival(modality)
    [packages] = [one / "python" for one in ours.layers if (one / "python" / "numpy").is_dir()]
    imported = [path for pattern in IMPORTED[modality] for path in packages.glob(pattern)]
    bare, minimal = HANDLERS / "bare.py", HANDLERS / f"minimal_{modality}.py"
    yield _contender(workload, FLOOR, rival(bare), sizes.files(bare), floor=True)
    bundle = [*_bundle(workload).glob("model.onnx*"), _bundle(workload) / "manifest.json"]
    bundle.append(_bundle(workload) / "preprocessing.json")
    yield _contender(workload, MINIMAL, rival(minimal), sizes.files(*imported, minimal, *bundle))
    extra = (MOBILENET,) if workload == "mobilenet" else ()
    yield _contender(workload, OURS, ours, sizes.files(*ours.layers, ours.task_root, *extra))


def _on_keras(workload: str, engine: Packages) -> Iterator[Contender]:
    """The floor of a function with Keras, and this package with it."""
    modality = MODALITIES[workload]
    ours, bare = keras_engine(modality), HANDLERS / "import_keras.py"
    keras = dataclasses.replace(_rival(modality)(bare), layers=(engine.layer,), timeout=SLOW)
    size = sizes.files(engine.layer)
    if workload != "mobilenet":
        floor = _contender(workload, IMPORT, keras, size, floor=True)
        yield dataclasses.replace(floor, inputs=floor.inputs[:1])
    code = [ours.task_root, *(one / "python" for one in ours.layers[1:])]
    served = [one for one in _bundles(workload).rglob("*") if ".onnx" not in one.suffixes]
    yield _contender(workload, ENGINE, ours, size + sizes.files(*code, *served))


def _naive(workload: str, naive: Packages) -> Contender:
    modality = MODALITIES[workload]
    handler = HANDLERS / f"naive_{modality}.py"
    function = _rival(modality)(handler)
    function = dataclasses.replace(function, layers=(naive.layer,), timeout=SLOW)
    size = naive.sizes[modality] + sizes.files(handler, _bundle(workload) / "model.keras")
    return dataclasses.replace(_contender(workload, NAIVE, function, size), slow=True)


def _peer(workload: str, peer: peers.Peer) -> Contender:
    start = partial(peers.start, peer, workload)
    return Contender(
        workload, peer.name, start, inputs.load(workload), peer.sizes[workload], slow=True
    )


def _contender(
    workload: str, name: str, function: Function, size: int, floor: bool = False
) -> Contender:
    # The bundle that a layer brings along would win over the function's own variables.
    elsewhere = workload == "mobilenet" or name != OURS
    env = {"ARTIFACTS_DIR": str(_bundles(workload))} if elsewhere else {}
    start = partial(emulator.start, function, env)
    return Contender(workload, name, start, inputs.load(workload), size, floor=floor)


def _rival(modality: str) -> "partial[Function]":
    """Makes a function of a handler's file, with this package's memory size and variables."""
    return partial(_with_handler, package.function(modality))


def _with_handler(ours: Function, handler: Path) -> Function:
    variables = {
        **ours.environment,
        "NAIVE_DIR": str(SCRATCH),
        # The first round, which does not count, leaves the rivals' bytecode compiled.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    name = f"{handler.stem}.handler"
    return dataclasses.replace(ours, task_root=HANDLERS, handler=name, environment=variables)


def _bundles(workload: str) -> Path:
    return MOBILENET if workload == "mobilenet" else BUNDLES


def _bundle(workload: str) -> Path:
    return _bundles(workload) / MODALITIES[workload]
