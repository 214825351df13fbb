"""Serve a packed Keras model from AWS Lambda.

    event ─> events ─> native ─> predictor ─> preprocessing ─> engine ─> predictions ─> JSON

Nothing is imported here, so that training code can import `serving.preprocessing` alone.
"""
