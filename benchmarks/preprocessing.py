"""`python -m benchmarks.preprocessing`: pictures, texts and rows a second, beside the naive form.

The naive form is what people write: one `Image.open(...).resize`, one `texts_to_sequences` and
`pad_sequences`, one `transformer.transform` at a time. Both give the same numbers, which is
checked first. Needs TensorFlow and scikit-learn (make setup-pack).
"""

import io
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras._tf_keras.keras.preprocessing.text import Tokenizer
from numpy.typing import NDArray
from PIL import Image

from benchmarks import machine
from serving import preprocessing
from serving.bundle import Bundle
from training import numeric

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "preprocessing.md"
ROUNDS = 7
SIZES = {"pictures": (1, 32), "texts": (1, 1_000), "rows": (1, 1_000, 10_000)}
ONE_BY_ONE = 32  # instances that the naive form is timed on; more take it longer in proportion
WORDS = 60  # of a text, which is the mean of the training reviews

type Array = NDArray[Any]
type Run = Callable[[Sequence[Any]], Array]


@dataclass(frozen=True)
class Case:
    """One modality's instances, and two ways from them to the same batch."""

    name: str
    words: str
    instances: Sequence[Any]
    batched: Run
    one_at_a_time: Run


def main() -> None:
    """Measure all cases in turns, and write and print the table."""
    lines = [
        "# Preprocessing",
        "",
        "Instances a second, medians (least to most) of"
        f" {ROUNDS} rounds in turns, in one process. The naive form prepares one at a time.",
        "",
        *(f"- {name}: {value}" for name, value in machine.describe([]).items()),
        "",
        "| | in a batch | this package | naive | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case in (_pictures(), _texts(), _rows()):
        few = case.instances[:ONE_BY_ONE]
        np.testing.assert_array_equal(case.batched(few), case.one_at_a_time(few))
        for size in SIZES[case.name]:
            lines.append(_measure(case, case.instances[:size]))
            print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {RESULTS}")


def _measure(case: Case, instances: Sequence[Any]) -> str:
    rates: dict[str, list[float]] = {"batched": [], "naive": []}
    for _ in range(ROUNDS + 1):
        rates["batched"].append(_rate(case.batched, instances))
        rates["naive"].append(_rate(case.one_at_a_time, instances[:ONE_BY_ONE]))
    ours, naive = (values[1:] for values in rates.values())  # the first round warms up
    ratio = statistics.median(ours) / statistics.median(naive)
    return (
        f"| {case.words} | {len(instances):,} | {_spread(ours)} | {_spread(naive)} | {ratio:.1f} |"
    )


def _rate(run: Run, instances: Sequence[Any]) -> float:
    """Instances a second, repeated for a tenth of a second at least."""
    began = time.perf_counter()
    count = 0
    while count == 0 or time.perf_counter() - began < 0.1:
        run(instances)
        count += len(instances)
    return count / (time.perf_counter() - began)


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


def _load(name: str, **changes: Any) -> Run:
    state = Bundle.open(ROOT / "artifacts" / name).read_json("preprocessing.json")
    return preprocessing.load(name, state | changes)


def _pictures() -> Case:
    """0.3 megapixel JPEGs to 224x224, as `load_img` and MobileNet's scaling have them."""
    photo = Image.open(ROOT / "training/examples/pictures/1_cat.jpg").convert("RGB")
    encoded = []
    for angle in range(32):
        buffer = io.BytesIO()
        photo.rotate(angle).resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        encoded.append(buffer.getvalue())
    scaling = [{"divide": 127.5}, {"subtract": 1.0}]
    shape = {"height": 224, "width": 224, "fit": "stretch", "scaling": scaling}
    batched = _load("image", **shape, interpolation="bilinear", reducing_gap=None)

    def naive(pictures: Sequence[bytes]) -> Array:
        return np.concatenate([one(picture) for picture in pictures])

    def one(picture: bytes) -> Array:
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        image = image.resize((224, 224), Image.Resampling.BILINEAR)
        return np.asarray(image, np.float32)[None] / np.float32(127.5) - np.float32(1)

    return Case("pictures", "JPEGs of 640x480 to 224x224", encoded, batched, naive)


def _texts() -> Case:
    """Texts of the vocabulary's words as often as a language has them."""
    state = Bundle.open(ROOT / "artifacts/text").read_json("preprocessing.json")
    generator = np.random.default_rng(0)
    words = np.array([*state["word_index"], "Unheard-of", "word,"])
    drawn = words[np.minimum(generator.zipf(1.3, (1_000, WORDS)), len(words)) - 1]
    texts = [" ".join(row) for row in drawn.tolist()]
    tokenizer = Tokenizer(num_words=6_000, oov_token="<unknown>")  # noqa: S106  not a password
    tokenizer.word_index = state["word_index"]

    def naive(texts: Sequence[str]) -> Array:
        return np.concatenate([one(text) for text in texts])

    def one(text: str) -> Array:
        sequences = tokenizer.texts_to_sequences([text])
        padded: Array = keras.utils.pad_sequences(sequences, state["maxlen"])
        return padded

    return Case("texts", f"texts of {WORDS} words", texts, _load("text"), naive)


def _rows() -> Case:
    """Rows of the loans, ten thousand by repetition."""
    table, _ = numeric.load()
    table = pd.concat([table] * 3, ignore_index=True).head(10_000)
    transformer = numeric.fit_transformer(table.head(4_454))
    rows = [
        dict(zip(table.columns, row, strict=True))
        for row in json.loads(json.dumps(numeric.rows(table)))
    ]

    def naive(rows: Sequence[Any]) -> Array:
        return np.concatenate([one(row) for row in rows])

    def one(row: Any) -> Array:
        frame = pd.DataFrame([row]).fillna(value=np.nan)
        batch: Array = transformer.transform(frame).astype(np.float32)
        return batch

    return Case("rows", "rows of 13 columns, mixed", rows, _load("numeric"), naive)


if __name__ == "__main__":
    main()
