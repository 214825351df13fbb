"""Direct invocation: `{"instances": [...]}` in, the response document out."""

from collections.abc import Mapping
from typing import Any

import orjson

from serving import native, telemetry
from serving.events import problems
from serving.events.invocation import Invocation
from serving.predictor import AnyPredictor


def handle(event: Mapping[str, Any], invocation: Invocation, predictor: AnyPredictor) -> Any:
    """Answer with predictions, or with a problem document, which has a `status`.

    Every error becomes a problem document, since Lambda would send a raised one to the caller
    with its traceback.
    """
    try:
        result = predictor.predict(native.read_document(event, predictor))
        telemetry.predicted(result)
        document = native.write_document(result, predictor)
        return orjson.loads(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))
    except Exception as exc:  # the edge, as in http
        return problems.record(exc, invocation.request_id)
