"""The JSON Schema of the configuration, for editors that complete and check while one types."""

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from collector.config.fields import ListenAddress, written_duration, written_share
from collector.config.settings import Config

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema of a configuration file."""
    described = Config.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": _DIALECT, **described, "title": "Configuration of tlsrpt-collector"}


class _Generator(GenerateJsonSchema):
    """Gives defaults as they are written in the file."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401  the signature of pydantic
        if isinstance(dft, timedelta):
            return written_duration(dft)
        if isinstance(dft, Fraction):
            return written_share(dft)
        if isinstance(dft, Path | ListenAddress):
            return str(dft)
        return super().encode_default(dft)
