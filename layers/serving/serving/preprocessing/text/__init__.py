"""Texts to model input: one module for each thing that a vocabulary can be fitted with.

tokenizer      Keras's Tokenizer and pad_sequences, and plain dictionaries of words
vectorization  Keras's TextVectorization
subwords       Hugging Face's tokenizers
sequences      what they share: checks, padding, counting
"""
