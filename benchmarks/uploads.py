"""`python -m benchmarks.uploads`: rows and pictures of uploaded files a second.

The built functions under the runtime emulator, S3 by moto, beside bare handlers that read the same
file, run the same model and write the same predictions, without checks, retries or parts.
"""

import argparse
import dataclasses
import io
import json
import statistics
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import machine
from benchmarks.contenders import BUNDLES, HANDLERS
from local import aws, emulator, environment, package, payloads
from local.aws import Aws
from local.package import ROOT, Function

INPUT, RESULTS = "inputs", "results"
CLOSE = 1e-4  # largest difference of a score that still counts as the same answer


@dataclass(frozen=True)
class Case:
    """One kind of file: what is in it, the two functions that answer it, and the file."""

    words: str
    aim: str
    ours: Function
    bare: Function
    key: str
    body: bytes
    rows: int


def main() -> None:
    """Measure, check that both give the same predictions, write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uploads", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="files of each, in turns (default: 5)")
    add("--rows", type=int, default=200_000, help="rows of the CSV file (default: 200,000)")
    add("--pictures", type=int, default=2_000, help="pictures of the archive (default: 2,000)")
    add("--out", type=Path, default=Path(__file__).parent, help="folder of uploads.md")
    arguments = parser.parse_args()
    layers = [layer / "python" for layer in package.function("image").layers]
    facts = machine.describe([*layers, environment.VAR_RUNTIME])
    lines = [
        "# Uploads",
        "",
        "Built functions under the Lambda runtime emulator, warm, S3 by moto on the same machine.",
        "Whole invocations, from the event to the written answer; medians with the least",
        f"and most of {arguments.rounds} rounds in turns. Bare: the same file, model and",
        "predictions, in the least code, all in memory, without checks, row errors or retries.",
        "",
        f"- machine: {', '.join(f'{name} {value}' for name, value in facts.items())}",
        "",
        "| file | this package | bare | ratio | aim | peak memory, MB | bare |",
        "|---|---|---|---|---|---|---|",
    ]
    with aws.start(INPUT, RESULTS) as s3:
        for case in (_table(arguments.rows), _archive(arguments.pictures)):
            lines.append(_measure(case, arguments.rounds, s3))
            print(lines[-1], flush=True)
    (arguments.out / "uploads.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _measure(case: Case, rounds: int, s3: Aws) -> str:
    env = {**s3.environment, "RESULTS_BUCKET": RESULTS}
    rates: tuple[list[float], list[float]] = ([], [])
    answers: list[bytes] = [b"", b""]
    with emulator.start(case.ours, env) as ours, emulator.start(case.bare, env) as bare:
        for turn in range(rounds + 1):
            for place, running in enumerate((ours, bare)):
                key = f"{case.key.partition('.')[0]}-{turn}-{place}.{case.key.partition('.')[2]}"
                s3.upload(INPUT, key, case.body)
                seconds = running.invoke(_event(key)).seconds
                answers[place] = s3.download(RESULTS, f"{key}.jsonl")
                if turn:  # the first round warms up
                    rates[place].append(case.rows / seconds)
        memory = ours.peak_memory(), bare.peak_memory()
    _compare(answers)
    ratio = statistics.median(rates[0]) / statistics.median(rates[1])
    return (
        f"| {case.words} | {_spread(rates[0])} | {_spread(rates[1])} | {ratio:.2f} | {case.aim}"
        f" | {memory[0]:.0f} | {memory[1]:.0f} |"
    )


def _compare(answers: Sequence[bytes]) -> None:
    """Stop unless both gave the same predictions."""
    ours, bare = ([json.loads(line) for line in answer.splitlines()] for answer in answers)
    found = [line["prediction"] for line in ours if "prediction" in line]
    expected = [line["prediction"] for line in bare]
    if len(found) != len(expected) or not all(map(_same, found, expected)):
        sys.exit("uploads: expected the bare handler's predictions, got others")


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["label"] == other["label"]) and abs(one["score"] - other["score"]) < CLOSE


def _event(key: str) -> Any:
    s3 = {"bucket": {"name": INPUT}, "object": {"key": key}}
    return {"Records": [{"eventSource": "aws:s3", "s3": s3}]}


def _functions(modality: str, handler: str) -> tuple[Function, Function]:
    ours = package.function(modality)
    ours = dataclasses.replace(ours, timeout=600)
    variables = {**ours.environment, "ARTIFACTS_DIR": str(BUNDLES)}
    bare = dataclasses.replace(
        ours, task_root=HANDLERS, handler=f"{handler}.handler", environment=variables
    )
    return ours, bare


def _table(rows: int) -> Case:
    header, *lines = (payloads.EVENTS / "applications.csv").read_text().splitlines()
    body = "\n".join([header, *(lines[i % len(lines)] for i in range(rows)), ""])
    functions = _functions("numeric", "bare_rows")
    return Case(f"CSV, {rows:,} rows", "0.7", *functions, "numeric/a.csv", body.encode(), rows)


def _archive(pictures: int) -> Case:
    photo = Image.open(ROOT / "training/examples/pictures/1_cat.jpg").convert("RGB")
    encoded = []
    for angle in range(32):
        buffer = io.BytesIO()
        photo.rotate(angle).resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        encoded.append(buffer.getvalue())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(pictures):
            archive.writestr(f"{number}.jpg", encoded[number % len(encoded)])
    functions = _functions("image", "bare_pictures")
    words = f"ZIP, {pictures:,} JPEGs of 640x480"
    return Case(words, "0.7", *functions, "image/a.zip", packed.getvalue(), pictures)


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


if __name__ == "__main__":
    main()
