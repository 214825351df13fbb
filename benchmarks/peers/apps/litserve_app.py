"""LitServe: the four verbs of its quick start; the model is called, as there."""
# mypy: disable-error-code="import-not-found,misc"

import os
from typing import Any

import litserve as ls
import models


class KerasAPI(ls.LitAPI):
    """One model, in LitServe's inference worker."""

    def setup(self, device: str) -> None:
        self.model = models.load(models.by_call)

    def decode_request(self, request: ls.Request) -> Any:
        return request["instances"]

    def predict(self, instances: Any) -> Any:
        return self.model(instances)

    def encode_response(self, output: Any) -> Any:
        return {"predictions": output}


if __name__ == "__main__":
    server = ls.LitServer(KerasAPI(), accelerator="cpu")
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_level="warning",
        generate_client_file=False,
    )
