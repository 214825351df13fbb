"""Texts to model input: one module for each thing that a vocabulary can be fitted with.

tokenizer      Keras's Tokenizer and pad_sequences, and plain dictionaries of words
vectorization  Keras's TextVectorization
subwords       Hugging Face's tokenizers
strings        nothing: the model has its own
sequences      what they share: checks, padding, counting
"""
