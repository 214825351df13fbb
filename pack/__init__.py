"""Make a bundle from a trained Keras model. Build time only: nothing here is deployed."""
