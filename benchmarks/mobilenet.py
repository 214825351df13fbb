"""A bundle whose computing outweighs the rest: MobileNetV2 for pictures of 224x224.

Run from the repository's root by a Python with TensorFlow: `python -m benchmarks.mobilenet FOLDER`.
Writes FOLDER/image, which answers 1,000 classes without meaning: the weights are random, from a
fixed seed, which takes as long to compute as trained ones.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "training" / "examples" / "pictures"
SEED = 6
CLASSES = 1000


def main(folder: Path) -> int:
    """Make the model and pack it; the exit code and the last line are those of pack."""
    with tempfile.TemporaryDirectory(prefix="mobilenet-") as scratch:
        model, labels = Path(scratch) / "model.keras", Path(scratch) / "labels.txt"
        _save(model)
        labels.write_text("\n".join(f"c{number}" for number in range(CLASSES)), encoding="utf-8")
        files = ("--model", model, "--labels", labels, "--examples", EXAMPLES)
        # As the bundled picture model's, so that one hand-minimal handler serves both.
        steps = ("--preset", "pillow", "--scaling", "tf")
        command = [sys.executable, "-m", "pack", "image", *map(str, files), *steps]
        command += ["--out", str(folder.resolve() / "image")]
        done = subprocess.run(command, check=False, cwd=ROOT, stdout=sys.stderr)
        return done.returncode


def _save(path: Path) -> None:
    """Save the model, normalised over the examples: else random weights let every signal fade."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(SEED)
    model = keras.applications.MobileNetV2(weights=None)
    pictures = [
        keras.utils.img_to_array(keras.utils.load_img(picture, target_size=(224, 224)))
        for picture in sorted(EXAMPLES.iterdir())
    ]
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # this batch's statistics replace those it began with
    model(np.stack(pictures) / 127.5 - 1, training=True)
    model.save(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
