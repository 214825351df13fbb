"""The naive handlers' needs: TensorFlow, and fitted state as pickles.

Run by the Python that has TensorFlow: `python benchmarks/naive.py ARTIFACTS FOLDER`. Prints the
folder of its packages, their versions and, by modality, how many bytes of them the handler needs,
as JSON.
"""

import importlib.metadata
import json
import pickle
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "scikit-learn", "pandas")
# What the handlers import; one of the two TensorFlows is installed.
TENSORFLOW = ("tensorflow", "tensorflow-cpu")
IMPORTED = {
    "image": (*TENSORFLOW, "pillow"),
    "text": TENSORFLOW,
    "numeric": (*TENSORFLOW, "scikit-learn", "pandas", "joblib"),
}


def main(artifacts: Path, folder: Path) -> None:
    """Write the pickles and say where the packages are."""
    sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "serving")]
    from benchmarks import sizes

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(json.loads((artifacts / "text" / "preprocessing.json").read_text()), folder)
    write_transformer(folder)
    packages = Path(sysconfig.get_path("purelib"))
    installed = {d.name.replace("_", "-"): d.version for d in importlib.metadata.distributions()}
    versions = {name: installed[name] for name in PACKAGES if name in installed}
    found = {
        "packages": str(packages),
        "python": list(sys.version_info[:2]),
        "versions": versions,
        "sizes": {name: sizes.required(packages, needed) for name, needed in IMPORTED.items()},
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


def write_transformer(folder: Path) -> None:
    """The transformer of the bundle, fitted anew on the same data."""
    import joblib

    from training import numeric

    table, _ = numeric.load()
    joblib.dump(numeric.fit_transformer(table), folder / "transformer.joblib")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
