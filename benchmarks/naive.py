"""The naive handlers' needs: TensorFlow, and fitted state as pickles.

Run by the Python that has TensorFlow: `python benchmarks/naive.py ARTIFACTS FOLDER`. Prints the
folder of its packages and the versions as JSON.
"""

import importlib.metadata
import json
import pickle
import sys
import sysconfig
from pathlib import Path
from typing import Any

PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "scikit-learn", "pandas")


def main(artifacts: Path, folder: Path) -> None:
    """Write the pickles and say where the packages are."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(json.loads((artifacts / "text" / "preprocessing.json").read_text()), folder)
    write_transformer(
        json.loads((artifacts / "numeric" / "preprocessing.json").read_text()), folder
    )
    installed = {d.name.replace("_", "-"): d.version for d in importlib.metadata.distributions()}
    versions = {name: installed[name] for name in PACKAGES if name in installed}
    found = {
        "packages": sysconfig.get_path("purelib"),
        "python": list(sys.version_info[:2]),
        "versions": versions,
    }
    print(json.dumps(found))


def write_tokenizer(state: dict[str, Any], folder: Path) -> None:
    """A Tokenizer with the bundle's words, as the person who trained the model had it."""
    from tensorflow.keras.preprocessing.text import Tokenizer

    words: dict[str, int] = state["word_index"]
    unknown = next((word for word, index in words.items() if index == state["oov_index"]), None)
    tokenizer = Tokenizer(
        num_words=max(words.values()) + 1, filters=state["filters"], oov_token=unknown
    )
    tokenizer.word_index = words
    (folder / "tokenizer.pickle").write_bytes(pickle.dumps(tokenizer))


def write_transformer(state: dict[str, Any], folder: Path) -> None:
    """The bundle's blocks as fitted scikit-learn pipelines, each with its columns."""
    import joblib
    from sklearn.pipeline import make_pipeline

    blocks = []
    for block in state["blocks"]:
        fitted = [fit(step, numbers) for step, numbers in block["steps"]]
        blocks.append((block["columns"], make_pipeline(*fitted)))
    joblib.dump(blocks, folder / "transformer.joblib")


def fit(step: str, numbers: dict[str, Any]) -> Any:
    """Fit one step on the rows that give it just these numbers."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if step == "StandardScaler":
        mean, scale = np.array(numbers["mean"]), np.array(numbers["scale"])
        return StandardScaler().fit([mean - scale, mean + scale])
    if step == "OneHotEncoder":
        categories = numbers["categories"]
        encoder = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False)
        return encoder.fit(np.array([[values[0] for values in categories]], object))
    statistics = numbers["statistics"]
    rows = np.array([statistics] * 2, object if isinstance(statistics[0], str) else float)
    for column in numbers["indicators"]:
        rows[1, column] = np.nan
    strategy = "most_frequent" if rows.dtype == object else "mean"
    return SimpleImputer(strategy=strategy, add_indicator=bool(numbers["indicators"])).fit(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
