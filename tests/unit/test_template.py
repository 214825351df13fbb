"""What template.yaml deploys, asserted on the CloudFormation that SAM makes of it.

cfn-lint finds what CloudFormation would refuse, circular dependencies too; the other tests find
what it would accept and a team would regret. template-keras.yaml is linted here too, and is the
same otherwise by test_templates.py. That handlers, prefixes and suffixes are those of the code is
not tested here.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from cfnlint import api
from cfnlint.config import ManualArgs
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).parents[2]
MODALITIES = ("image", "text", "numeric")
FUNCTIONS = [f"{modality.title()}Function" for modality in MODALITIES]
BUCKETS = ("InputBucket", "ResultsBucket")
# Remarks on the translation itself: SAM writes the quota out and says dependencies twice.
OF_TRANSLATION = ["W2001", "W3005"]


class ManagedPolicies:
    """In place of a call to IAM: the one policy that SAM gives every function by itself."""

    def load(self):
        name = "AWSLambdaBasicExecutionRole"
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}"}


def translate(source, **parameters):
    validator = SamTemplateValidator(
        source, ManagedPolicies(), region="us-east-1", parameter_overrides=parameters
    )
    return validator.get_translated_template_if_valid()


@pytest.fixture
def source():
    return yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def resources():
    source = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return yaml_parse(translate(source))["Resources"]


@pytest.fixture(scope="module")
def of_type(resources):
    def select(kind):
        found = {name: r for name, r in resources.items() if r["Type"] == f"AWS::{kind}"}
        assert found, f"the template has no {kind}"
        return found

    return select


def statements(role):
    policies = role["Properties"].get("Policies", [])
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def listed(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("template", ["template.yaml", "template-keras.yaml"])
def test_cfn_lint_finds_nothing_in_the_translated_template(template, architecture):
    source = yaml_parse((ROOT / template).read_text(encoding="utf-8"))
    translated = translate(source, Architecture=architecture)
    found = api.lint(translated, config=ManualArgs(ignore_checks=OF_TRANSLATION))
    assert [str(match) for match in found] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_and_timeout_are_what_lambda_and_the_api_allow(resources, name):
    properties = resources[name]["Properties"]
    assert 128 <= properties["MemorySize"] <= 10_240
    assert 0 < properties["Timeout"] <= 29  # API Gateway gives up then
    assert "EphemeralStorage" not in properties  # over 512 MB it excludes SnapStart


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_layers_are_of_one_architecture_and_one_python(resources, source, name):
    properties = resources[name]["Properties"]
    assert properties["Architectures"] == [{"Ref": "Architecture"}]
    assert len(properties["Layers"]) == 2
    for layer in (resources[reference["Ref"]] for reference in properties["Layers"]):
        assert layer["Properties"]["CompatibleArchitectures"] == properties["Architectures"]
        assert layer["Properties"]["CompatibleRuntimes"] == [properties["Runtime"]]


def test_there_are_wheel_tags_for_every_architecture(source):
    metadata = source["Resources"]["DependenciesLayer"]["Metadata"]
    for architecture in source["Parameters"]["Architecture"]["AllowedValues"]:
        folder = metadata["WorkingDirectory"]["Fn::Sub"].replace("${Architecture}", architecture)
        assert (ROOT / folder / "wheel-tags.txt").is_file()


@pytest.mark.parametrize("layer", ["DependenciesLayer", "ServingLayer"])
def test_a_changed_layer_publishes_new_versions(source, of_type, layer):
    source["Resources"][layer]["Properties"]["ContentUri"] = "s3://bucket/changed"
    changed = yaml_parse(translate(source))["Resources"]
    assert not of_type("Lambda::Version").keys() & changed.keys()
    assert of_type("Lambda::Alias").keys() <= changed.keys()


def test_no_policy_has_a_wildcard_but_under_one_prefix(of_type):
    for name, role in of_type("IAM::Role").items():
        for statement in statements(role):
            assert not any("*" in action for action in listed(statement["Action"])), name
            for resource in listed(statement["Resource"]):
                text = resource.get("Fn::Sub", "")
                assert "Fn::GetAtt" in resource or "*" not in text.removesuffix("/*"), name


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_function_reads_and_writes_under_its_own_prefixes_only(resources, modality):
    granted = Counter()
    for statement in statements(resources[f"{modality.title()}FunctionRole"]):
        targets = [r.get("Fn::Sub", r.get("Fn::GetAtt")) for r in listed(statement["Resource"])]
        for action in listed(statement["Action"]):
            granted[action, str(targets), json.dumps(statement.get("Condition"))] += 1
    bucket = "arn:${AWS::Partition}:s3:::${BucketPrefix}-input-${AWS::AccountId}-${AWS::Region}"
    own = json.dumps({"StringLike": {"s3:prefix": f"{modality}/*"}})
    results = [f"${{ResultsBucket.Arn}}/{folder}{modality}/*" for folder in ("", "errors/")]
    assert granted == {
        ("s3:GetObject", str([f"{bucket}/{modality}/*"]), "null"): 1,
        ("s3:GetObjectVersion", str([f"{bucket}/{modality}/*"]), "null"): 1,
        ("s3:ListBucket", str([bucket]), own): 1,
        ("s3:PutObject", str(results), "null"): 1,
        ("sqs:SendMessage", str([["FailedEventsQueue", "Arn"]]), "null"): 1,
    }


def test_the_name_in_the_policies_is_the_input_buckets(resources):
    name = resources["InputBucket"]["Properties"]["BucketName"]
    assert name == {"Fn::Sub": "${BucketPrefix}-input-${AWS::AccountId}-${AWS::Region}"}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_private_versioned_and_outlive_the_stack(resources, name):
    bucket = resources[name]
    properties = bucket["Properties"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert list(properties["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"} <= rule.keys()


@pytest.mark.parametrize(
    ("policy", "action"),
    [*((f"{name}Policy", "s3:*") for name in BUCKETS), ("FailedEventsQueuePolicy", "sqs:*")],
)
def test_plain_http_is_refused(resources, policy, action):
    (statement,) = resources[policy]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == action
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_uploads_that_fail_for_good_wait_in_an_encrypted_queue(resources, of_type):
    queue = resources["FailedEventsQueue"]["Properties"]
    assert queue == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 14 * 24 * 3600}
    configs = [config["Properties"] for config in of_type("Lambda::EventInvokeConfig").values()]
    assert sorted(config["FunctionName"]["Ref"] for config in configs) == sorted(FUNCTIONS)
    for config in configs:
        failed = config["DestinationConfig"]["OnFailure"]["Destination"]
        assert failed == {"Fn::GetAtt": ["FailedEventsQueue", "Arn"]}
        assert (config["MaximumRetryAttempts"], config["Qualifier"]) == (2, "live")


def test_triggers_do_not_overlap_as_s3_would_refuse_them(resources):
    configuration = resources["InputBucket"]["Properties"]["NotificationConfiguration"]
    filters = []
    for target in configuration["LambdaConfigurations"]:
        rules = {rule["Name"]: rule["Value"] for rule in target["Filter"]["S3Key"]["Rules"]}
        assert target["Function"] == {"Ref": f"{rules['prefix'][:-1].title()}FunctionAliaslive"}
        filters.append((rules["prefix"], rules["suffix"]))
    for prefix, suffix in filters:
        rivals = [s for p, s in filters if p == prefix and (s.endswith(suffix) or s == suffix)]
        assert rivals == [suffix]


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_request_needs_a_key_but_the_preflight(resources, modality):
    methods = resources["Api"]["Properties"]["Body"]["paths"][f"/predict/{modality}"]
    assert methods.keys() == {"get", "post", "options"}
    for method in ("get", "post"):
        assert methods[method]["security"] == [{"api_key": []}]
    assert "security" not in methods["options"]


def test_the_stage_throttles_and_logs_json_with_the_request_id(resources, of_type):
    stage = resources["ApiStage"]["Properties"]
    (settings,) = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "RateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "BurstLimit"}
    assert "TracingEnabled" not in stage
    assert json.loads(stage["AccessLogSetting"]["Format"])["requestId"] == "$context.requestId"
    plan = resources["ApiUsagePlan"]["Properties"]
    assert plan["Quota"]["Period"] == "DAY"
    assert plan["Throttle"].keys() == {"RateLimit", "BurstLimit"}
    assert of_type("ApiGateway::Stage").keys() == {"ApiStage"}


def test_pictures_and_forms_reach_the_function_as_bytes(resources):
    types = resources["Api"]["Properties"]["BinaryMediaTypes"]
    pictures = [f"image~1{kind}" for kind in ("jpeg", "png", "webp", "gif", "bmp", "tiff")]
    assert types == [*pictures, "application~1octet-stream", "multipart~1form-data"]


def test_what_the_gateway_refuses_is_a_problem_document(resources):
    body = resources["Api"]["Properties"]["Body"]
    for response in ("DEFAULT_4XX", "DEFAULT_5XX"):
        settings = body["x-amazon-apigateway-gateway-responses"][response]
        headers = settings["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        template = settings["responseTemplates"]["application/json"]
        filled = template.replace("$context.error.messageString", '"Forbidden"')
        assert json.loads(filled).keys() == {"type", "detail", "request_id"}


def test_without_an_allowed_origin_no_answer_names_one(resources):
    allowed = "Access-Control-Allow-Origin"
    found = []
    for text in json.dumps(resources["Api"], indent=1).split(f'{allowed}": ')[1:]:
        value, _ = json.JSONDecoder().raw_decode(text)
        found += [value] if "Fn::If" in value else []
    assert len(found) == len(MODALITIES) + 2  # the preflight answers and the gateway's own
    for value in found:
        condition, _, otherwise = value["Fn::If"]
        assert (condition, otherwise) == ("AllowsOrigin", {"Ref": "AWS::NoValue"})


def test_logs_are_not_kept_for_ever(of_type, resources):
    groups = of_type("Logs::LogGroup")
    assert all(group["Properties"]["RetentionInDays"] for group in groups.values())
    for name in FUNCTIONS:
        assert resources[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups
