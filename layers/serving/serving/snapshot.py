"""SnapStart: what a snapshot of a started function holds, and what each copy of it makes anew.

Lambda starts a version once, when it is published, and every environment is a copy of that process.
What was looked through for state that must not be copied:

credentials    botocore's session keeps them, and so does a client: both are dropped, see `storage`.
               Lambda gives none by variable then; the first request to S3 fetches its own.
connections    clients alone have them. The runtime client's are closed after each answer.
randomness     `random` and NumPy's global generator are seeded again (retries wait by `random`),
               and OpenSSL's, which makes TLS keys. `secrets`, for ids of uploads, and uuid4 ask the
               system each time. tempfile repeats its names, in a /tmp that is the copy's own. Hash
               seeds are the same in all copies. Inference draws nothing.
time           no clock outlives a request here. botocore's clients keep one for slow retries.
telemetry      no request came before the snapshot: each copy's first is cold, and tells of the
               restoring in place of the start.
threads        ONNX Runtime's and TensorFlow's are part of the snapshot. No process is forked.
"""

import os
from importlib import import_module
from time import perf_counter

from serving import startup

# What a function with a model imports for some requests alone: forms and uploads.
FOR_SOME_REQUESTS = ("multipart", "serving.uploads.reconcile")


def register(*modules: str) -> bool:
    """Register the hooks if Lambda takes a snapshot of this function, and say whether it does.

    modules: to be imported before the snapshot, where they cost no request its time.
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return False
    import snapshot_restore_py  # type: ignore[import-untyped]  # is in Lambda's runtime

    snapshot_restore_py.register_before_snapshot(_before_snapshot, modules)
    snapshot_restore_py.register_after_restore(_after_restore)
    return True


def _before_snapshot(modules: tuple[str, ...]) -> None:
    """Import what is left; a failure ends the deployment and not a request."""
    from serving import queue, storage  # here, because boto3 costs other starts what the model does

    for module in modules:
        import_module(module)
    storage.preload()
    queue.preload()


def _after_restore() -> None:
    """Make what no two copies may share; a failure ends the copy before its first request."""
    started = perf_counter()
    _seed()
    startup.milliseconds.clear()  # of the start that the snapshot was taken of
    startup.milliseconds["Restore"] = 1000 * (perf_counter() - started)


def _seed() -> None:
    """Seed every generator of the process from the system's."""
    import random  # both are in the snapshot, since boto3 is
    import ssl
    import sys

    random.seed()
    ssl.RAND_add(os.urandom(32), 32)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
