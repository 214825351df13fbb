"""Which operations the graph of a SavedModel may have.

A graph is a program. Loading one runs its initialisers and calling it runs the rest, and among
TensorFlow's operations are those that read and write files, call Python or open connections. So
of the operations with side effects only those are let through that models are made of: variables,
tables, loops, random numbers, cuDNN; and of the others none that reads files.
"""

from collections.abc import Iterable
from typing import Any

from tensorflow.python.framework import op_def_registry

_STATEFUL = frozenset(
    {
        *("VarHandleOp", "VarIsInitializedOp", "ReadVariableOp", "AssignVariableOp", "Variable"),
        *("AssignAddVariableOp", "AssignSubVariableOp", "DisableCopyOnRead", "VariableV2"),
        *("ResourceGather", "ResourceGatherNd", "ResourceScatterUpdate", "ResourceScatterAdd"),
        *("StatefulPartitionedCall", "If", "While", "Case", "Assert", "Placeholder"),
        *("HashTable", "HashTableV2", "MutableHashTableV2", "LookupTableFind", "LookupTableFindV2"),
        *("LookupTableImport", "LookupTableImportV2", "LookupTableSizeV2", "InitializeTableV2"),
        *("LookupTableExportV2", "LookupTableInsertV2", "TruncatedNormal", "Multinomial"),
        *("RandomUniform", "RandomStandardNormal", "RandomUniformInt", "RandomShuffle"),
        *("RngReadAndSkip", "RngSkip", "StatefulUniform", "StatefulStandardNormalV2"),
        *("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "CudnnRNNBackprop", "CudnnRNNBackpropV2"),
        *("CudnnRNNBackpropV3", "CudnnRNNParamsSize", "TensorArrayV3", "TensorArrayWriteV3"),
        *("TensorArrayReadV3", "TensorArrayGatherV3", "TensorArrayScatterV3", "TensorArraySizeV3"),
        *(
            "IteratorGetNext",
            "StackV2",
            "StackPushV2",
            "StackPopV2",
            "TensorArrayCloseV3",
            "FusedBatchNormV3",
        ),
    }
)
_FILES = frozenset(
    {"ReadFile", "MatchingFiles", "PyFuncStateless", "GenerateVocabRemapping", "DebugIdentity"}
)


def forbidden_operations(meta_graph: Any) -> list[str]:
    """The operations, sorted, that loading or calling the graph could run and may not.

    What only its saver calls is left out: TensorFlow 2's loader restores variables by itself.
    """
    functions = {
        each.signature.name: each.node_def for each in meta_graph.graph_def.library.function
    }
    saver = meta_graph.saver_def
    saving = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    nodes = [each for each in meta_graph.graph_def.node if each.name not in saving]
    waiting = _called(nodes) | _of_objects(meta_graph.object_graph_def)
    found, seen = {each.op for each in nodes}, set[str]()
    while waiting := waiting - seen:
        seen |= waiting
        inside = [each for name in waiting for each in functions.get(name, ())]
        found |= {each.op for each in inside}
        waiting = _called(inside)
    return sorted(op for op in found - set(functions) if not _allowed(op))


def _called(nodes: Iterable[Any]) -> set[str]:
    """The functions that nodes call, loop over or choose between."""
    values = [value for node in nodes for value in node.attr.values()]
    lists = [each.name for value in values for each in value.list.func]
    return {value.func.name for value in values if value.func.name} | set(lists)


def _of_objects(objects: Any) -> set[str]:
    """The functions of the folder's objects, initialisers among them."""
    names = set(objects.concrete_functions)
    for node in objects.nodes:
        names.update(node.function.concrete_functions)
        names.add(node.bare_concrete_function.concrete_function_name)
    return names


def _allowed(op: str) -> bool:
    definition = op_def_registry.get(op)
    if definition is None or op in _FILES or "Dataset" in op:
        return False
    return op in _STATEFUL or not definition.is_stateful
