"""`pack check` and `pack show`: prove a finished bundle, and tell what is in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from serving import golden
from serving.bundle import Bundle, Output
from serving.predictor import Predictor

SHOWN = 20  # labels of an output


def check(
    folder: Path, engine: Literal["onnx", "keras"] | None, say: Callable[[str], None]
) -> None:
    """Prove a bundle: sums, preprocessing, and the outputs of its engine or of the one named.

    Raises BundleError with the first thing that is not as it was packed, or that the bundle lacks.
    """
    bundle = Bundle.open(folder)
    for name in bundle.manifest.files:
        bundle.read(name)
    say(f"{len(bundle.manifest.files)} files have the sums of the manifest")
    predictor = Predictor(bundle, engine)
    chosen = predictor.manifest
    case = golden.parse(bundle.read_json("golden.json"), chosen.modality)
    predictor.predict(case.instances[:1])
    largest = golden.check(case, predictor.preprocess, predictor.outputs, chosen.tolerance)
    say(
        f"{len(case.instances)} golden instances: the same tensors to the last bit, outputs of the"
        f" engine {chosen.engine} within {largest:.2e} (tolerance {chosen.tolerance:.0e})"
    )


def show(folder: Path) -> str:
    """What a bundle is, in lines for a person; raise BundleError if it is none."""
    bundle = Bundle.open(folder)
    manifest = bundle.manifest
    facts = bundle.read_json("golden.json")
    sizes = {name: (folder / name).stat().st_size for name in manifest.files}
    state = bundle.read_json("preprocessing.json")
    lines = [
        f"{folder}: {manifest.modality} model, version {manifest.version},"
        f" engine {manifest.engine}",
        *(f"output {_describe(output)}" for output in manifest.outputs),
        f"preprocessing {_summary(state)}",
        f"golden file of {len(facts['instances'])} instances, {facts['source']};"
        f" tolerance {manifest.tolerance:g}",
        f"limits {manifest.limits.max_instances} instances, {manifest.limits.max_bytes} bytes",
        *(f"metric {name}: {value:g}" for name, value in manifest.metrics.items()),
        *(f"{name}: {value}" for name, value in manifest.provenance.items()),
        *(f"note: {note}" for note in manifest.notes),
        "packed with " + ", ".join(f"{name} {v}" for name, v in manifest.versions.items()),
        "files " + ", ".join(f"{name} {size:,} bytes" for name, size in sizes.items()),
    ]
    return "\n".join(lines)


def _describe(output: Output) -> str:
    parts = [f"{output.name}: {output.task}"]
    if output.labels:
        shown = ", ".join(output.labels[:SHOWN]) + ", ..." * (len(output.labels) > SHOWN)
        parts.append(f"{len(output.labels)} labels ({shown})")
    if output.logits:
        parts.append("from logits")
    if output.task == "multilabel" or (output.task == "binary" and output.threshold != 0.5):
        parts.append(f"threshold {output.threshold:g}")
    if output.target:
        parts.append("target transformed back")
    return ", ".join(parts)


def _summary(state: dict[str, object]) -> str:
    """The settings, and of what is long only how much there is."""
    shown = []
    for name, value in state.items():
        long = isinstance(value, list | dict) and len(str(value)) > 60
        shown.append(f"{name} ({len(value)})" if long else f"{name} {value!r}")  # type: ignore[arg-type]
    return ", ".join(text if len(text) < 80 else f"{text[:77]}..." for text in shown)
