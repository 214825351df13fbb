"""The functions of the built package, as `sam build` left them."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".aws-sam" / "build"


class NotBuilt(Exception):
    """There is no built package, or not the one that was asked for."""


@dataclass(frozen=True)
class Function:
    """One Lambda function, laid out as Lambda would lay it out.

    task_root: the folder that Lambda mounts at /var/task.
    layers: the folders whose contents Lambda merges at /opt, first one first.
    handler: `module.function`.
    environment: variables as the template gives them, before Lambda's own.
    memory: MB (MiB, as Lambda counts them). timeout: seconds.
    """

    name: str
    task_root: Path
    layers: tuple[Path, ...]
    handler: str
    environment: Mapping[str, str]
    memory: int
    timeout: int


@functools.cache
def load(build: Path = BUILD) -> Mapping[str, Function]:
    """Read every zip function of a built template, by logical id.

    Raises NotBuilt when there is no built template.
    """
    path = build / "template.yaml"
    if not path.is_file():
        raise NotBuilt(f"expected a built package, found no {path}: run `make build`")
    template = yaml_parse(path.read_text(encoding="utf-8"))
    resources: Mapping[str, Any] = template["Resources"]
    return {
        name: _function(name, template, build)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        and resource["Properties"].get("PackageType", "Zip") == "Zip"
    }


def function(modality: str) -> Function:
    """The built function of one modality: "image", "text" or "numeric"."""
    name = f"{modality.title()}Function"
    functions = load()
    if name not in functions:
        raise NotBuilt(f"expected {name} in the built template, found {', '.join(functions)}")
    return functions[name]


def _function(name: str, template: Mapping[str, Any], build: Path) -> Function:
    defaults = template.get("Globals", {}).get("Function", {})
    own = template["Resources"][name]["Properties"]
    properties = {**defaults, **own}
    layers = [*defaults.get("Layers", ()), *own.get("Layers", ())]
    variables = {**_variables(defaults), **_variables(own)}
    names = _names(template)
    resolved = {key: _resolve(value, names) for key, value in variables.items()}
    return Function(
        name=name,
        task_root=(build / properties["CodeUri"]).resolve(),
        layers=tuple(_layer(ref, template, build) for ref in layers),
        handler=properties["Handler"],
        environment={key: value for key, value in resolved.items() if value is not None},
        memory=int(_resolve(properties.get("MemorySize", 128), names) or 128),
        timeout=int(_resolve(properties.get("Timeout", 3), names) or 3),
    )


def _variables(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return variables


def _layer(ref: Mapping[str, str], template: Mapping[str, Any], build: Path) -> Path:
    content: str = template["Resources"][ref["Ref"]]["Properties"]["ContentUri"]
    return (build / content).resolve()


def _names(template: Mapping[str, Any]) -> Mapping[str, str]:
    """What `Ref` gives here: parameters their defaults, resources their logical id."""
    parameters = {
        name: str(parameter["Default"])
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }
    pseudo = {
        "AWS::Region": "us-east-1",
        "AWS::AccountId": "123456789012",
        "AWS::StackName": "local",
        "AWS::Partition": "aws",
    }
    return {**{name: name for name in template["Resources"]}, **parameters, **pseudo}


def _resolve(value: Any, names: Mapping[str, str]) -> str | None:
    """A literal, `Ref` or plain `Sub` as text; None for what only a deployment can know."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if "Ref" in value:
        return names.get(value["Ref"])
    text = value.get("Fn::Sub")
    if not isinstance(text, str):
        return None
    wanted = re.findall(r"\$\{([^!}][^}]*)\}", text)
    if any(name not in names for name in wanted):
        return None
    return re.sub(r"\$\{([^!}][^}]*)\}", lambda match: names[match[1]], text)
