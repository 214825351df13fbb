"""What `pack.models` is made of: how the files of every Keras are read for inference.

files          what a path holds, by its content
naming         `module:attribute` and `NAME=module:attribute`
reading        what the repair of one configuration knows, finds and notes
configuration  any model's configuration -> one that Keras 3 takes, node by node
arguments      one layer's arguments: what Keras 3 no longer takes
keras1         Keras 1's names
operations     TensorFlow's functions in a model of layers -> Keras's operations
archive        .keras
hdf5           .h5
weights        weights without a model, with an architecture
placing        arrays of an HDF5 file -> the layers they belong to
layouts        arrays as Keras 1, CuDNN and Theano kept them; Keras 2's hard_sigmoid
savedmodel     folders
graphs         which operations a folder's graph may have
"""
