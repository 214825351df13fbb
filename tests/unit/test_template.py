"""What template.yaml deploys, asserted on the CloudFormation that SAM makes of it.

cfn-lint finds what CloudFormation would refuse, circular dependencies too; the other tests find
what it would accept and a team would regret. template-keras.yaml is linted here too, and is the
same otherwise by test_templates.py. That handlers, paths and prefixes are those of the code is
not tested here.
"""

import json
from pathlib import Path

import pytest
from cfnlint import api
from cfnlint.config import ManualArgs
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).parents[2]
MODALITIES = ("image", "text", "numeric")
MODELS = [f"{modality.title()}Function" for modality in MODALITIES]
FUNCTIONS = [*MODELS, "UploadsFunction"]
QUEUES = [f"{modality.title()}UploadsQueue" for modality in MODALITIES]
DAYS = 24 * 3600
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


@pytest.mark.parametrize("template", ["template.yaml", "template-keras.yaml"])
def test_snapstart_is_of_every_function_and_off_until_it_is_asked_for(template):
    source = yaml_parse((ROOT / template).read_text(encoding="utf-8"))
    parameter = source["Parameters"]["SnapStart"]
    assert (parameter["Default"], parameter["AllowedValues"]) == (
        "None",
        ["None", "PublishedVersions"],
    )
    found = yaml_parse(translate(source))["Resources"]
    for name in FUNCTIONS:
        assert found[name]["Properties"]["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
    on = yaml_parse((ROOT / template).read_text(encoding="utf-8"))
    on["Globals"]["Function"]["SnapStart"]["ApplyOn"] = "PublishedVersions"
    matches = api.lint(translate(on), config=ManualArgs(ignore_checks=OF_TRANSLATION))
    assert [str(match) for match in matches] == []


def test_every_caller_calls_the_published_version_which_alone_has_a_snapshot(resources, of_type):
    aliases = of_type("Lambda::Alias")
    assert sorted(
        alias["Properties"]["FunctionName"]["Ref"] for alias in aliases.values()
    ) == sorted(FUNCTIONS)
    paths = resources["Api"]["Properties"]["Body"]["paths"]
    called = [
        method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for methods in paths.values()
        for verb, method in methods.items()
        if verb != "options"
    ]
    mapped = [
        each["Properties"]["FunctionName"]
        for each in of_type("Lambda::EventSourceMapping").values()
    ]
    substituted = resources["Backfill"]["Properties"]["DefinitionSubstitutions"]
    mapped += [substituted[name] for name in MODELS]
    assert all(any(f"${{{alias}}}" in uri for alias in aliases) for uri in called)
    assert all(reference["Ref"] in aliases for reference in mapped)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_has_what_excludes_snapstart(resources, name):
    assert not resources[name]["Properties"].keys() & {"EphemeralStorage", "FileSystemConfigs"}
    assert "ProvisionedConcurrencyConfig" not in resources[f"{name}Aliaslive"]["Properties"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_and_timeout_are_what_lambda_and_the_api_allow(resources, name):
    properties = resources[name]["Properties"]
    assert 128 <= properties["MemorySize"] <= 10_240
    assert 0 < properties["Timeout"] <= (900 if name in MODELS else 29)  # the API gives up then


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
    granted = {name: statements(role) for name, role in of_type("IAM::Role").items()}
    for name, policy in of_type("IAM::Policy").items():
        granted[name] = policy["Properties"]["PolicyDocument"]["Statement"]
    for name, found in granted.items():
        for statement in found:
            assert not any("*" in action for action in listed(statement["Action"])), name
            for resource in listed(statement["Resource"]):
                text = resource.get("Fn::Sub", "")
                whole = "Fn::GetAtt" in resource or "Ref" in resource
                assert whole or "*" not in text.removesuffix("/*"), name


def test_no_function_may_use_the_queues_or_buckets_of_others(resources):
    managed = {
        name: resources[f"{name}Role"]["Properties"]["ManagedPolicyArns"] for name in FUNCTIONS
    }
    assert {tuple(arns) for arns in managed.values()} == {
        ("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",)  # logs
    }


def grants(found) -> set[tuple[str, str, str]]:
    """Every action with one of its resources and its condition."""
    return {
        (
            action,
            resource.get("Fn::Sub") or str(resource.get("Fn::GetAtt", resource.get("Ref"))),
            json.dumps(statement.get("Condition")),
        )
        for statement in found
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def under(*prefixes) -> str:
    return json.dumps({"StringLike": {"s3:prefix": list(prefixes)}})


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_function_may_do_what_it_does_and_no_more(resources, modality):
    folders = [modality, f"errors/{modality}", f"unfinished/{modality}"]
    own = json.dumps({"StringLike": {"s3:prefix": f"{modality}/*"}})
    results, queue = "['ResultsBucket', 'Arn']", f"['{modality.title()}UploadsQueue', 'Arn']"
    objects = ("GetObject", "PutObject", "PutObjectTagging", "DeleteObject", "AbortMultipartUpload")
    messages = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage")
    assert grants(statements(resources[f"{modality.title()}FunctionRole"])) == {
        ("s3:GetObject", f"${{InputBucket.Arn}}/{modality}/*", "null"),
        ("s3:ListBucket", "['InputBucket', 'Arn']", own),
        *(
            (f"s3:{action}", f"${{ResultsBucket.Arn}}/{folder}/*", "null")
            for action in objects
            for folder in folders
        ),
        ("s3:ListBucket", results, under(*(f"{folder}/*" for folder in folders))),
        ("s3:ListBucketMultipartUploads", results, "null"),
        *((f"sqs:{action}", queue, "null") for action in messages),
        ("sqs:SendMessage", "['FailedEventsQueue', 'Arn']", "null"),
    }


def test_who_signs_uploads_may_write_and_look_where_it_puts_them_and_no_more(resources):
    inputs = [f"{modality}/uploads/*" for modality in MODALITIES]
    results = [*inputs, *(f"errors/{folder}" for folder in inputs)]
    assert grants(statements(resources["UploadsFunctionRole"])) == {
        *(("s3:PutObject", f"${{InputBucket.Arn}}/{folder}", "null") for folder in inputs),
        *(("s3:GetObject", f"${{InputBucket.Arn}}/{folder}", "null") for folder in inputs),
        ("s3:ListBucket", "['InputBucket', 'Arn']", under(*inputs)),
        *(("s3:GetObject", f"${{ResultsBucket.Arn}}/{folder}", "null") for folder in results),
        ("s3:ListBucket", "['ResultsBucket', 'Arn']", under(*results)),
        ("sqs:SendMessage", "['FailedEventsQueue', 'Arn']", "null"),
    }


def test_a_backfill_may_start_its_own_children_and_call_the_three_functions(resources):
    policy = resources["BackfillRunsPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "BackfillRole"}]
    found = [*statements(resources["BackfillRole"]), *policy["PolicyDocument"]["Statement"]]
    states = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
    writes = ("PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")
    assert grants(found) == {
        *(("lambda:InvokeFunction", f"{name}Aliaslive", "null") for name in MODELS),
        ("s3:ListBucket", "['InputBucket', 'Arn']", under("image/*", "text/*", "numeric/*")),
        ("s3:GetObject", "${ResultsBucket.Arn}/inventories/*", "null"),
        *((f"s3:{action}", "${ResultsBucket.Arn}/backfills/*", "null") for action in writes),
        ("states:StartExecution", "Backfill", "null"),
        ("states:DescribeExecution", f"{states}:execution:${{Backfill.Name}}/*", "null"),
        ("states:StopExecution", f"{states}:execution:${{Backfill.Name}}/*", "null"),
        ("states:DescribeMapRun", f"{states}:mapRun:${{Backfill.Name}}/*", "null"),
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_private_versioned_and_outlive_the_stack(resources, name):
    bucket = resources[name]
    properties = bucket["Properties"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert list(properties["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = properties["LifecycleConfiguration"]["Rules"]
    forgotten = {name for rule in rules if "Prefix" not in rule for name in rule}
    assert {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"} <= forgotten
    assert "ExpirationInDays" not in forgotten


def test_what_is_done_of_a_long_file_outlives_the_message_that_continues_it(resources):
    waits = [resources[name]["Properties"]["MessageRetentionPeriod"] / DAYS for name in QUEUES]
    rules = resources["ResultsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (parts,) = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    (progress,) = [rule for rule in rules if rule.get("Prefix") == "unfinished/"]
    assert parts["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] > max(waits)
    assert progress["ExpirationInDays"] > max(waits)


def test_results_and_errors_are_kept(resources):
    rules = resources["ResultsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule.get("Prefix", "") for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"unfinished/", "backfills/", "inventories/"}


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        *((f"{name}Policy", "s3:*") for name in BUCKETS),
        *((f"{name}Policy", "sqs:*") for name in ("FailedEventsQueue", *QUEUES)),
    ],
)
def test_plain_http_is_refused(resources, policy, action):
    statement, *_ = resources[policy]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == action
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_uploads_that_fail_for_good_wait_in_an_encrypted_queue(resources, of_type):
    queue = resources["FailedEventsQueue"]["Properties"]
    assert queue == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 14 * DAYS}
    configs = [config["Properties"] for config in of_type("Lambda::EventInvokeConfig").values()]
    assert sorted(config["FunctionName"]["Ref"] for config in configs) == sorted(FUNCTIONS)
    for config in configs:
        failed = config["DestinationConfig"]["OnFailure"]["Destination"]
        assert failed == {"Fn::GetAtt": ["FailedEventsQueue", "Arn"]}
        assert (config["MaximumRetryAttempts"], config["Qualifier"]) == (2, "live")


def test_every_change_of_an_object_is_told_to_its_modalitys_queue(resources):
    configuration = resources["InputBucket"]["Properties"]["NotificationConfiguration"]
    assert configuration.keys() == {"QueueConfigurations"}
    told = []
    for target in configuration["QueueConfigurations"]:
        (rule,) = target["Filter"]["S3Key"]["Rules"]
        told.append(
            (target["Event"], rule["Name"], rule["Value"], target["Queue"]["Fn::GetAtt"][0])
        )
    assert sorted(told) == sorted(
        (f"s3:Object{change}:*", "prefix", f"{modality}/", f"{modality.title()}UploadsQueue")
        for modality in MODALITIES
        for change in ("Created", "Removed")
    )


def test_the_bucket_is_made_after_the_policies_that_let_it_send(resources):
    assert set(resources["InputBucket"]["DependsOn"]) == {f"{name}Policy" for name in QUEUES}


@pytest.mark.parametrize("name", QUEUES)
def test_this_bucket_of_this_account_alone_may_send_to_a_queue(resources, name):
    policy = resources[f"{name}Policy"]["Properties"]
    assert policy["Queues"] == [{"Ref": name}]
    _, statement = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Resource"] == {"Fn::GetAtt": [name, "Arn"]}
    bucket = resources["InputBucket"]["Properties"]["BucketName"]["Fn::Sub"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{bucket}"}},
    }


@pytest.mark.parametrize("name", QUEUES)
def test_an_upload_waits_in_an_encrypted_queue_and_after_five_tries_in_the_one_of_failed_events(
    resources, name
):
    queue = dict(resources[name]["Properties"])
    function = resources[name.replace("UploadsQueue", "Function")]["Properties"]
    assert queue.pop("VisibilityTimeout") == 6 * function["Timeout"]
    assert queue == {
        "SqsManagedSseEnabled": True,
        "MessageRetentionPeriod": 14 * DAYS,
        "RedrivePolicy": {
            "deadLetterTargetArn": {"Fn::GetAtt": ["FailedEventsQueue", "Arn"]},
            "maxReceiveCount": 5,
        },
    }


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_queue_calls_its_function_with_one_message_and_takes_back_what_failed(
    resources, of_type, modality
):
    name = modality.title()
    assert len(of_type("Lambda::EventSourceMapping")) == len(MODALITIES)
    assert resources[f"{name}Uploads"]["Properties"] == {
        "FunctionName": {"Ref": f"{name}FunctionAliaslive"},
        "EventSourceArn": {"Fn::GetAtt": [f"{name}UploadsQueue", "Arn"]},
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "UploadConcurrency"}},
    }
    # Its own queue is where a long file is continued: Lambda must not take that for a mistake.
    function = resources[f"{name}Function"]["Properties"]
    variables = function["Environment"]["Variables"]
    assert variables["UPLOADS_QUEUE_URL"] == {"Ref": f"{name}UploadsQueue"}
    assert function["RecursiveLoop"] == "Allow"


def test_all_queues_together_leave_room_for_the_api(source):
    concurrency = source["Parameters"]["UploadConcurrency"]
    assert (concurrency["MinValue"], concurrency["MaxValue"]) == (2, 1000)  # Lambda's bounds
    assert len(QUEUES) * concurrency["Default"] <= 1000 / 2  # of what an account may run at once


def test_an_alarm_tells_of_failed_uploads_and_of_each_queue_that_does_not_keep_up(
    resources, of_type
):
    watched = {}
    for alarm in of_type("CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        if properties["Namespace"] == "AWS/SQS":
            (dimension,) = properties["Dimensions"]
            watched[dimension["Value"]["Fn::GetAtt"][0]] = properties
        assert properties["AlarmActions"]["Fn::If"][:2] == [
            "SendsAlarms",
            [{"Ref": "AlarmTopicArn"}],
        ]
    assert watched.keys() == {"FailedEventsQueue", *QUEUES}
    assert watched["FailedEventsQueue"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    for name in QUEUES:
        queue = resources[name]["Properties"]
        tries = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
        assert watched[name]["MetricName"] == "ApproximateAgeOfOldestMessage"
        # A single file that fails for as long as it is tried does not count as a backlog.
        assert tries < watched[name]["Threshold"] < queue["MessageRetentionPeriod"]


@pytest.mark.parametrize(("name", "method"), [("InputBucket", "POST"), ("ResultsBucket", "GET")])
def test_browsers_may_post_files_and_fetch_results_from_the_allowed_origin_alone(
    resources, name, method
):
    cors = resources[name]["Properties"]["CorsConfiguration"]["Fn::If"]
    condition, allowed, otherwise = cors
    assert (condition, otherwise) == ("AllowsOrigin", {"Ref": "AWS::NoValue"})
    (rule,) = allowed["CorsRules"]
    assert rule["AllowedOrigins"] == [{"Ref": "AllowedOrigin"}]
    assert rule["AllowedMethods"] == [method]


def test_an_inventory_is_written_where_a_backfill_may_read_it_if_one_is_wanted(resources, source):
    assert source["Parameters"]["InventoryFrequency"]["Default"] == "none"
    condition, (inventory,), otherwise = resources["InputBucket"]["Properties"][
        "InventoryConfigurations"
    ]["Fn::If"]
    assert (condition, otherwise) == ("TakesInventory", {"Ref": "AWS::NoValue"})
    destination = inventory["Destination"]
    assert destination["BucketArn"] == {"Fn::GetAtt": ["ResultsBucket", "Arn"]}
    assert destination["Format"] == "CSV"  # which Step Functions reads
    _, statement = resources["ResultsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    condition, allowed, otherwise = statement["Fn::If"]
    assert (condition, otherwise) == ("TakesInventory", {"Ref": "AWS::NoValue"})
    folder = f"${{ResultsBucket.Arn}}/{destination['Prefix']}/*"
    assert (allowed["Action"], allowed["Resource"]) == ("s3:PutObject", {"Fn::Sub": folder})
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["InputBucket", "Arn"]}},
    }
    assert ("s3:GetObject", folder, "null") in grants(statements(resources["BackfillRole"]))


@pytest.mark.parametrize(("path", "method"), [("/uploads", "post"), ("/results/{id}", "get")])
def test_signing_and_looking_up_need_a_key_too(resources, path, method):
    methods = resources["Api"]["Properties"]["Body"]["paths"][path]
    assert methods.keys() == {method, "options"}
    assert methods[method]["security"] == [{"api_key": []}]
    assert "security" not in methods["options"]


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
    paths = resources["Api"]["Properties"]["Body"]["paths"]
    assert len(found) == len(paths) + 2  # the preflight answers and the gateway's own
    for value in found:
        condition, _, otherwise = value["Fn::If"]
        assert (condition, otherwise) == ("AllowsOrigin", {"Ref": "AWS::NoValue"})


def test_logs_are_not_kept_for_ever(of_type, resources):
    groups = of_type("Logs::LogGroup")
    assert all(group["Properties"]["RetentionInDays"] for group in groups.values())
    for name in FUNCTIONS:
        assert resources[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups
