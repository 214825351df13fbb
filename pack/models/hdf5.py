"""Models in HDF5 files, of Keras 1 to 3: configuration and weights in one file."""

import json
from pathlib import Path
from typing import Any

import h5py
import keras

from pack.models import configuration, placing
from pack.models.reading import Config, Reading, demand_named


def opened(path: Path) -> h5py.File:
    """The file for reading; ValueError if it is cut short or broken."""
    try:
        return h5py.File(path, "r")
    except OSError as exc:
        raise ValueError(f"{path}: expected a whole HDF5 file, got one cut short: {exc}") from exc


def read_configuration(file: h5py.File) -> Config:
    """The configuration of the model in the file."""
    config: Config = json.loads(_text(file.attrs["model_config"]))
    return config


def version_of(file: h5py.File) -> str:
    """The Keras that wrote the file; the first ones left no word."""
    for group in (file, file.get("model_weights", {})):
        found = getattr(group, "attrs", {}).get("keras_version")
        if found is not None:
            return _text(found)
    return "1"


def load(path: Path, reading: Reading) -> keras.Model:
    """The model of an HDF5 file, repaired, with its weights.

    Raises ValueError for custom code that is not named and for what does not fit.
    """
    with opened(path) as file:
        if "model_weights" not in file:
            raise ValueError(f"{path}: expected a model with weights, got its configuration")
        config = configuration.modern(read_configuration(file), reading)
        demand_named(reading, path)
        model = configuration.built(config, reading, path)
        placing.place(model, file["model_weights"], version_of(file), reading)
    return model


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
