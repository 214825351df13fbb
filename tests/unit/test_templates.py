"""template-keras.yaml is template.yaml in other packaging: nothing else may differ."""

import copy
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from tests.conftest import MODALITIES, ROOT

ZIPS = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
IMAGES = yaml_parse((ROOT / "template-keras.yaml").read_text(encoding="utf-8"))
MAY_DIFFER = {
    "Description",
    "Parameters/Architecture/Description",
    "Globals/Function/Runtime",
    "Globals/Function/Layers/*",
    "Globals/LayerVersion/*",
    "Resources/DependenciesLayer/*",
    "Resources/ServingLayer/*",
    "Resources/*Function/Metadata/*",
    "Resources/*Function/Properties/CodeUri",
    "Resources/*Function/Properties/Handler",
    "Resources/*Function/Properties/PackageType",
    "Resources/*Function/Properties/ImageConfig/*",
    "Resources/*Function/Properties/MemorySize",
}
CHANGES = {
    "Parameters/RateLimit/Default": 11,
    "Globals/Function/Timeout": 30,
    "Globals/Function/Environment/Variables/LOG": "x",
    "Resources/ImageFunction/Properties/Events/Predict/Properties/Path": "/predict/pictures",
    "Resources/TextFunction/Properties/Policies/0/Statement/2/Effect": "Deny",
    "Resources/NumericFunction/Properties/AutoPublishAliasAllProperties": False,
    "Resources/ServerErrorsAlarm/Properties/Threshold": 5,
    "Resources/FailedEventsQueue/Properties/MessageRetentionPeriod": 60,
    "Resources/Another/Type": "AWS::SNS::Topic",
    "Outputs/ApiUrl/Value/Fn::Sub": "https://example.com",
}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that holds no others, by the keys and indices that lead to it."""
    if not isinstance(value, dict | list) or not value:
        yield path.removeprefix("/"), value
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield from leaves(each, f"{path}/{key}")


def differing(one: Any, other: Any) -> set[str]:
    first, second = dict(leaves(one)), dict(leaves(other))
    missing = object()
    paths = first.keys() | second.keys()
    return {path for path in paths if first.get(path, missing) != second.get(path, missing)}


def unexpected(images: Any) -> set[str]:
    return {
        path
        for path in differing(ZIPS, images)
        if not any(fnmatchcase(path, pattern) for pattern in MAY_DIFFER)
    }


def test_the_templates_differ_in_their_packaging_alone():
    assert unexpected(IMAGES) == set()


@pytest.mark.parametrize("pattern", sorted(MAY_DIFFER))
def test_what_may_differ_does(pattern):
    assert any(fnmatchcase(path, pattern) for path in differing(ZIPS, IMAGES))


@pytest.mark.parametrize("path", CHANGES)
def test_any_other_change_is_found(path):
    changed = copy.deepcopy(IMAGES)
    place = changed
    *keys, last = path.split("/")
    for key in keys:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    place[last] = CHANGES[path]
    assert unexpected(changed) == {path}


def test_functions_run_the_same_handlers_from_one_image():
    images = []
    for modality in MODALITIES:
        name = f"{modality.title()}Function"
        function = IMAGES["Resources"][name]
        handler = ZIPS["Resources"][name]["Properties"]["Handler"]
        assert function["Properties"]["PackageType"] == "Image"
        assert function["Properties"]["ImageConfig"] == {"Command": [handler]}
        images.append(function["Metadata"])
    assert images == 3 * [{"Dockerfile": "Dockerfile", "DockerContext": ".", "DockerTag": "keras"}]


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_function_with_tensorflow_has_a_whole_processor(modality):
    properties = IMAGES["Resources"][f"{modality.title()}Function"]["Properties"]
    assert properties["MemorySize"] >= 1769  # Lambda's own measure of one


def test_only_the_containers_get_repositories_which_a_zip_deployment_would_delete():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    asked = {
        env
        for env, commands in config.items()
        if isinstance(commands, dict)
        and commands["deploy"]["parameters"].get("resolve_image_repos") is not None
    }
    assert asked == {"keras"}
