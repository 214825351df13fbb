"""Logs and metrics: one JSON line a request, one embedded-metric-format record a request.

Metrics, by model version where there is a model: Requests, Predictions, RejectedInputs, Failures,
and in milliseconds DecodeTime, PreprocessTime and InferenceTime. A container's first request adds
ColdStarts, 1, and where the milliseconds of its start went: ImportTime, LoadTime and WarmUpTime, or
RestoreTime of a snapshot's copy, and FirstCallTime, which is the request's own.
"""

import os
from time import perf_counter

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from serving import startup
from serving.predictor import Predicted

logger = Logger()
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "KerasOnLambda"))
_cold = True
_began = 0.0


def begin(correlation_id: str, function_request_id: str) -> None:
    """Tie what is logged from here on to one request."""
    global _began
    _began = perf_counter()
    logger.set_correlation_id(correlation_id)
    logger.append_keys(function_request_id=function_request_id, cold_start=_cold)
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    if _cold:
        metrics.add_metric("ColdStarts", MetricUnit.Count, 1)
        for stage, milliseconds in startup.milliseconds.items():
            metrics.add_metric(f"{stage}Time", MetricUnit.Milliseconds, milliseconds)


def end(model_version: str | None) -> None:
    """Write the request's metrics out; None stands for a function without a model."""
    global _cold
    if _cold:
        milliseconds = 1000 * (perf_counter() - _began)
        metrics.add_metric("FirstCallTime", MetricUnit.Milliseconds, milliseconds)
    _cold = False
    if model_version is not None:
        metrics.add_dimension("model_version", model_version)
    metrics.flush_metrics()


def decoded(milliseconds: float) -> None:
    """Record how long it took from the event to the instances."""
    metrics.add_metric("DecodeTime", MetricUnit.Milliseconds, milliseconds)


def predicted(result: Predicted) -> None:
    """Record an answered request."""
    metrics.add_metric("Predictions", MetricUnit.Count, len(result.predictions))
    for stage, milliseconds in result.milliseconds.items():
        metrics.add_metric(f"{stage}Time", MetricUnit.Milliseconds, milliseconds)
    logger.info("predicted", instances=len(result.predictions), milliseconds=result.milliseconds)


def answered(predictions: int, errors: int) -> None:
    """Record a file of rows that is done."""
    metrics.add_metric("Predictions", MetricUnit.Count, predictions)
    metrics.add_metric("RejectedInputs", MetricUnit.Count, errors)
    logger.info("answered", predictions=predictions, errors=errors)


def rejected(exc: Exception, status: int) -> None:
    """Record an input that the caller must mend."""
    metrics.add_metric("RejectedInputs", MetricUnit.Count, 1)
    logger.warning("rejected", error=type(exc).__name__, detail=str(exc), status=status)


def failed(exc: Exception) -> None:
    """Record a failure of ours, with its traceback."""
    metrics.add_metric("Failures", MetricUnit.Count, 1)
    logger.error("failed", error=type(exc).__name__, exc_info=exc)
