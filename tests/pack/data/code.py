"""What a user names for the Lambda layers and custom objects of the models beside it."""

import keras


def twice_plus_one(tensor):
    return tensor * 2 + 1


def doubled(tensor):
    return keras.ops.concatenate([tensor, tensor], axis=-1)


def swoosh(tensor):
    return keras.activations.relu(tensor) * 2


class Scaled(keras.layers.Layer):
    def __init__(self, k=2.0, **options):
        super().__init__(**options)
        self.k = k

    def build(self, shape):
        self.w = self.add_weight(name="w", shape=(shape[-1],), initializer="ones")

    def call(self, tensor):
        return tensor * self.w * self.k

    def get_config(self):
        return {**super().get_config(), "k": self.k}


def small():
    """An architecture with names of its own."""
    layers = [keras.Input((5,)), keras.layers.Dense(4, activation="hard_sigmoid", name="first")]
    return keras.Sequential([*layers, keras.layers.Dense(2, name="second")])


def other():
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(3), keras.layers.Dense(2)])


def longer():
    layers = [keras.Input((5,)), keras.layers.Dense(4), keras.layers.Dense(2)]
    return keras.Sequential([*layers, keras.layers.Dense(2, name="third")])


def unbuilt():
    return keras.Sequential([keras.layers.Dense(4)])


def nothing():
    return "a model"
