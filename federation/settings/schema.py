"""The JSON schema of `federation.yaml`, for editors that complete and check while one types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from federation.settings.model import Settings

if TYPE_CHECKING:
    from pydantic_core import core_schema

SCHEMA_FILE: Final = "federation.schema.json"


class _WithoutNull(GenerateJsonSchema):
    """What may be absent may not be null: a key without a value is a mistake."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        return {key: value for key, value in written.items() if (key, value) != ("default", None)}


def settings_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) of the settings."""
    schema = Settings.model_json_schema(schema_generator=_WithoutNull)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "federation.yaml"}


def schema_text() -> str:
    """Return the schema as the text of a file, the same for the same version."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"
