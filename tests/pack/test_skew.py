"""The skew report finds the stage at which training and serving part."""

import sys

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras

from pack.examples import Examples
from pack.skew import compare, distance, to_lines
from pack.skew.page import to_html
from tests.conftest import ROOT

pytestmark = pytest.mark.pack

PICTURES = sorted((ROOT / "training/examples/pictures").iterdir())[:2]
TOKENIZER = {
    "kind": "tokenizer",
    "word_index": {"good": 1, "bad": 2},
    "oov_index": None,
    "filters": "!",
    "lower": True,
    "split": " ",
    "char_level": False,
    "maxlen": 3,
    "padding": "pre",
    "truncating": "pre",
    "value": 0,
    "start_index": None,
    "mode": "int",
    "columns": 0,
    "idf": None,
    "max_characters": 100,
}


@pytest.fixture
def reference(tmp_path, monkeypatch):
    """A user's module with one function, `preprocess`, in the current folder."""

    def write(body: str) -> str:
        (tmp_path / "theirs.py").write_text(f"def preprocess(examples):\n{body}\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "theirs", raising=False)
        return "theirs:preprocess"

    return write


@pytest.fixture(scope="module")
def sums():
    """A model of three tokens that adds them up."""
    tokens = keras.Input((3,), dtype="int32")
    return keras.Model(tokens, keras.ops.sum(tokens, axis=1, keepdims=True))


def texts(*instances: str) -> Examples:
    names = [f"text {i}" for i in range(len(instances))]
    return Examples(instances, names, generated=False, expected=None)


def test_the_same_preprocessing_does_not_part(reference, sums):
    same = reference(
        "    return {'tokens': [['good'], ['bad', 'good']], 'ids': [[0, 0, 1], [0, 2, 1]]}"
    )
    report = compare(same, "text", TOKENIZER, sums, texts("Good!", "bad good"))
    assert report.parting is None
    assert [stage.name for stage in report.stages][:2] == ["tokens", "sequence"]
    assert to_lines(report)[-1] == "they do not part"


def test_the_first_differing_stage_is_named_with_both_sides(reference, sums):
    other = reference(
        "    return {'tokens': [['Good'], ['bad', 'good']], 'ids': [[0, 0, 0], [2, 1, 0]]}"
    )
    report = compare(other, "text", TOKENIZER, sums, texts("Good!", "bad good"))
    assert report.parting.name == "tokens"
    lines = "\n".join(to_lines(report))
    assert "text 0: 'good' here, 'Good' in training at token 0" in lines
    assert "sequence: 66.7 % differ by up to 2; text 1: 0 here, 2 in training at [0]" in lines
    assert any(stage.name.startswith("output ") and stage.share for stage in report.stages)


def test_a_plain_array_is_the_models_input(reference, sums):
    report = compare(reference("    return [[0, 0, 1]]"), "text", TOKENIZER, sums, texts("good"))
    assert report.stages[0].name == "sequence"
    assert report.only_ours == ["tokens"]


def test_pictures_part_at_the_resize_and_stand_side_by_side(reference):
    state = {
        "height": 8,
        "width": 8,
        "color_mode": "rgb",
        "channel_order": "rgb",
        "data_format": "channels_last",
        "exif": "ignore",
        "grey_16_bit": "high_byte",
        "resampling": "pillow",
        "interpolation": "bicubic",
        "antialias": None,
        "fit": "stretch",
        "pad_value": None,
        "resized_dtype": "uint8",
        "scaling": [{"divide": 255.0}],
        "reducing_gap": None,
        "max_pixels": 10**7,
    }
    theirs = reference(
        "    import keras, numpy as np\n"
        "    whole = [keras.utils.img_to_array(keras.utils.load_img(p)) for p in examples]\n"
        "    small = [keras.utils.load_img(p, target_size=(8, 8)) for p in examples]\n"
        "    small = [keras.utils.img_to_array(p) for p in small]\n"
        "    return {'decode': whole, 'resize': small, 'scale': np.stack(small) / 255}"
    )
    pictures = keras.Input((8, 8, 3))
    model = keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(pictures))
    encoded = [path.read_bytes() for path in PICTURES]
    given = Examples(encoded, [str(path) for path in PICTURES], generated=False, expected=None)
    report = compare(theirs, "image", state, model, given)
    by_name = {stage.name: stage for stage in report.stages}
    assert by_name["decode"].share == 0
    assert report.parting.name == "resize"
    page = to_html(report)
    assert page.count("data:image/png;base64,") >= 6
    assert "They part at <b>resize</b>" in page
    assert PICTURES[0].name in page


def test_rows_reach_the_reference_as_a_data_frame(reference):
    pandas = pytest.importorskip("pandas")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    from pack.transformer import read_transformer

    table = pandas.DataFrame({"a": [-1.0, 1.0], "b": [-1.0, 3.0]})
    state = read_transformer(preprocessing.StandardScaler().fit(table))
    theirs = reference("    return ((examples[['a', 'b']] - [0, 1]) / [1, 2]).to_numpy()")
    features = keras.Input((2,))
    model = keras.Model(features, keras.layers.Dense(1)(features))
    given = Examples([{"b": 3.0, "a": 1.0}], ["row 1"], generated=False, expected=None)
    report = compare(theirs, "numeric", state, model, given)
    assert report.parting is None


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("theirs", "    return []", "expected module:attribute, got 'theirs'"),
        ("nowhere:preprocess", "    return []", "the module does not import"),
        ("theirs:preprocess", "    return 1 / 0", "it fails: ZeroDivisionError"),
        ("theirs:preprocess", "    return [[0, 0, 1]] * 3", "expected 1 sequence.* got 3"),
        ("theirs:preprocess", "    return None", "it fails: TypeError"),
        ("theirs:preprocess", "    return {}", "expected at least one stage, got none"),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused(reference, sums, name, body, message):
    reference(body)
    with pytest.raises(ValueError, match=message):
        compare(name, "text", TOKENIZER, sums, texts("good"))


def test_what_the_page_shows_of_the_examples_is_escaped(reference, sums):
    same = reference("    return {'tokens': [['<b>']], 'ids': [[0, 0, 0]]}")
    page = to_html(compare(same, "text", TOKENIZER, sums, texts("<i>")))
    assert "<b>'" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("ours", "theirs", "differing", "largest"),
    [
        ([1.0, 2.0], [1.0, 2.5], 1, 0.5),
        ([np.nan, 1.0], [np.nan, 1.0], 0, 0.0),
        ([np.nan, 1.0], [0.0, 1.0], 1, np.inf),
        ([1.0], [1.0, 2.0], 2, np.inf),
    ],
)
def test_distance(ours, theirs, differing, largest):
    found = distance(np.array(ours), np.array(theirs))
    assert (found.differing, found.largest) == (differing, largest)
