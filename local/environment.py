"""What a function finds around it: the emulator in Lambda's place, and Lambda's variables."""

import importlib.util
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from local.package import ROOT, Function

VAR_RUNTIME = ROOT / ".build" / "var-runtime"
_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class EmulatorError(Exception):
    """The emulator is not here, did not start, or did not answer."""


def binary() -> Path:
    """The emulator for this machine, inside the installed SAM CLI.

    Raises EmulatorError where there is none: it runs on Linux, on x86_64 and arm64.
    """
    name = f"aws-lambda-rie-{_ARCHITECTURES.get(platform.machine(), platform.machine())}"
    if sys.platform != "linux":
        raise EmulatorError(f"expected Linux, got {sys.platform}: the emulator is a Linux program")
    spec = importlib.util.find_spec("samcli")
    if spec is None or spec.origin is None:
        raise EmulatorError("expected aws-sam-cli in this environment, it is not installed")
    path = Path(spec.origin).parent / "local" / "rapid" / name
    if not path.is_file():
        raise EmulatorError(f"expected {name} in the installed aws-sam-cli, it has none")
    if not VAR_RUNTIME.is_dir():
        raise EmulatorError(f"expected awslambdaric in {VAR_RUNTIME}: run `make setup`")
    return path


def variables(function: Function, env: Mapping[str, str]) -> Mapping[str, str]:
    """What Lambda sets, then the template's variables, then the caller's."""
    packages = [layer / "python" for layer in function.layers]
    artifacts = [layer / "artifacts" for layer in function.layers if (layer / "artifacts").is_dir()]
    inherited = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    return {
        **inherited,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(function.task_root),
        "LAMBDA_RUNTIME_DIR": str(VAR_RUNTIME),
        "PYTHONPATH": os.pathsep.join(map(str, [function.task_root, *packages, VAR_RUNTIME])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        **function.environment,
        **({"ARTIFACTS_DIR": str(artifacts[0])} if artifacts else {}),
        **env,
    }
