"""Open what was fitted in Python: joblib, pickle and skops files. Build time only."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

TRUST_HELP = (
    "open pickle and joblib files. A pickle is a program: whoever wrote it can run any command on"
    " this machine when it is opened, so name this only for files that you made or whose author"
    " you trust. Nothing that is served is a pickle"
)
# Where Keras's Tokenizer has lived; today's TensorFlow has it in the last place alone.
_TOKENIZERS = (
    *("keras_preprocessing.text", "keras.preprocessing.text", "keras.src.preprocessing.text"),
    *("tensorflow.keras.preprocessing.text", "tensorflow.python.keras.preprocessing.text"),
    *("keras.src.legacy.preprocessing.text", "keras._tf_keras.keras.preprocessing.text"),
)


def load_fitted(path: Path, trusted: bool, stand_ins: bool = False) -> Any:
    """The object in a .joblib, .pkl, .pickle or .skops file.

    A skops file says what types it holds; those that skops does not know as safe, and every
    pickle, are opened only if `trusted`. What joblib wrote may be called .pkl too.

    stand_ins: open a .pkl or .pickle whose classes are not all installed; an object of such a class
        has its attributes and nothing else.

    Raises ValueError for a file that is not trusted, of another kind, or that does not open, and
    OSError for one that cannot be read.
    """
    load = _LOADERS.get(path.suffix)
    if load is None:
        raise ValueError(f"{path}: expected a file of {', '.join(_LOADERS)}, got {path.suffix!r}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file, found none")
    if stand_ins and load is _load_pickle:
        load = _load_with_stand_ins
    return load(path, trusted)


def _load_pickle(path: Path, trusted: bool) -> Any:
    _demand_trust(path, trusted)
    return _opened(path, lambda: _unpickle(path, _Unpickler))


def _load_with_stand_ins(path: Path, trusted: bool) -> Any:
    _demand_trust(path, trusted)
    return _opened(path, lambda: _unpickle(path, _LenientUnpickler))


def _unpickle(path: Path, kind: "type[_Unpickler]") -> Any:
    import joblib

    with path.open("rb") as file:
        try:
            return kind(file).load()
        except pickle.UnpicklingError:  # compressed, or with arrays as joblib writes them
            return joblib.load(path)


def _load_joblib(path: Path, trusted: bool) -> Any:
    import joblib

    _demand_trust(path, trusted)
    return _opened(path, lambda: joblib.load(path))


def _load_skops(path: Path, trusted: bool) -> Any:
    from skops import io

    unknown = _opened(path, lambda: io.get_untrusted_types(file=path))
    if unknown and not trusted:
        raise ValueError(
            f"{path}: expected types that skops knows as safe, got {', '.join(unknown)}:"
            " name --trust-pickle if you trust whoever made it"
        )
    return _opened(path, lambda: io.load(path, trusted=unknown))


def _demand_trust(path: Path, trusted: bool) -> None:
    if not trusted:
        raise ValueError(
            f"{path}: expected --trust-pickle, since opening a pickle runs the program in it;"
            " name it if you made the file or trust whoever did"
        )


def _opened(path: Path, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception as exc:  # a pickle may raise anything, being a program
        raise ValueError(
            f"{path}: expected a pickle that opens with the installed packages,"
            f" got {type(exc).__name__}: {exc}"
        ) from exc


class _Unpickler(pickle.Unpickler):
    """Finds Keras's Tokenizer under every name that it has had, and stops at joblib's arrays."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        if name == "Tokenizer" and module in _TOKENIZERS:
            from keras._tf_keras.keras.preprocessing.text import Tokenizer

            return Tokenizer
        if module == "joblib.numpy_pickle":
            raise pickle.UnpicklingError("expected a pickle, got joblib's")
        return super().find_class(module, name)


class _LenientUnpickler(_Unpickler):
    """Puts an empty class in the place of one that is not installed."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return type(name, (), {"__module__": module})


_LOADERS: Mapping[str, Callable[[Path, bool], Any]] = {
    ".joblib": _load_joblib,
    ".pkl": _load_pickle,
    ".pickle": _load_pickle,
    ".skops": _load_skops,
}
