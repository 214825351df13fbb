"""Serve a packed Keras model from AWS Lambda.

    event ─> events ─> native ─> predictor ─> preprocessing ─> engine ─> predictions ─> JSON

Nothing is imported here, so that training code can import `serving.preprocessing` alone.

What a start needs is kept in named tuples, since a frozen dataclass takes five times as long to
create: 26 of them were an eighth of the numeric function's start.
"""
