"""Fitted scikit-learn transformers to the state that serving applies with NumPy.

What cannot be repeated is refused here, when a bundle is made, and not served nearly right.
"""

from pack.transformer.drawing import draw_rows
from pack.transformer.inverse import read_target_transformer
from pack.transformer.loading import load_transformer
from pack.transformer.proof import prove
from pack.transformer.table import Reading, read_table, read_transformer

__all__ = [
    "Reading",
    "draw_rows",
    "load_transformer",
    "prove",
    "read_table",
    "read_target_transformer",
    "read_transformer",
]
